"""What each job asks of the machine that runs it: memory and time, from the size of its work.

A scheduler ends a job that takes more than it asked for, and lets one wait that asks for much. So
requests are the need by the arithmetic below with a margin, and grow with each attempt, three times
at most. Needs are fitted to the jobs of scale laptop that `results/gallery` records, on one core of
an AMD EPYC (Zen 3), and to parts of trainings and of EM at larger scales. Times on a GPU are
assumed, not measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nao.config import Config
from nao.estimators.empirical_bayes import UNKNOWNS
from nao.jobs import planned, scoring
from nao.plan import Plan, expand
from nao.specs import DatasetSpec, MixtureOfRidgesSpec, RunSpec

MB = 1e6
ENGINE = 380
"""MB of the two Snakemake processes that stand beside the work in a job of a cluster."""
START = 180.0
"""Seconds before the work begins, at worst: Python, torch and Snakemake from a slow shared disk."""
MARGIN = 4.0
"""How much slower than fitted a machine may be at the first attempt [choice]."""
ATTEMPTS = 3
"""Attempts up to which requests grow."""
STEP = {"native": 0.0008, "torch": 0.0011, "cuda": 0.010}
RATE = {"native": 75e9, "torch": 21e9, "cuda": 2e12}
"""Seconds of a step beside its products, and flops a second, by what evaluates the model: the
kernel in C or torch on a core, where a step has those seconds for each layer, torch on a GPU.
# ASSUME: both for a GPU."""
GROWING = 26e9, 4.6e6
"""Of a transformer by torch on a core: flops a second, and as many more for each entry of E, since
its libraries multiply large matrices faster."""
LAYERS = 10
"""That a model without layers is reckoned as."""
FACTORING = {"muon": 0.0002, "soap": 0.014}
"""Seconds that an optimiser's own factorisations take in a step, at d = 20."""
DENSE = 45e9
"""Flops a second of a core on large matrices."""
SMALL = 5e9
"""Flops a second of a core on matrices of one context, which go by the speed of memory."""
OF_FULL_RANK = {"principal_components": 3, "gaussian_em": 5, "mixture_em": 60}
"""Times that estimators of full covariances, or of several, see each context's Gram matrices."""
EM = 300
"""Iterations of EM over all ranks that it tries."""
BACKWARD = 1.6
"""Flops of the way back in those of the way forth: Gram matrices are shared by the two."""
BATCH = 256
"""Contexts evaluated at once, as in `nao.models.weights`."""
CLUSTERING = 15
"""Iterations of EM before contexts are clustered, as in `nao.training.clusters`."""


@dataclass(frozen=True)
class Request:
    """`memory` in MB and `runtime` in minutes, as Snakemake's `mem_mb` and `runtime`."""

    memory: int
    runtime: int

    @classmethod
    def of(cls, memory: float, seconds: float) -> "Request":
        """From the need: MB of the work's own process, and seconds on an idle core."""
        return cls(
            memory=math.ceil((memory + ENGINE) / 100) * 100,
            runtime=math.ceil((START + MARGIN * seconds) / 60),
        )

    def at(self, attempt: int) -> "Request":
        """What the attempt of that number, counted from 1, asks for."""
        times = min(attempt, ATTEMPTS)
        return Request(self.memory * times, self.runtime * times)


def request(plan: Plan, rule: str, **wildcards: str) -> Request:
    """What the first attempt at a job asks for. Raises `KeyError` for what is not planned."""
    return REQUESTS[rule](plan, **wildcards)


def products(spec: RunSpec) -> float:
    """Flops of all matrix products by which one member maps one context to its estimate."""
    return spec.model.products(spec.dataset.context_length, spec.dataset.problem.dimension)


def training_products(spec: RunSpec) -> float:
    """Flops of the products of a whole training, the way back included."""
    contexts = spec.training.steps * spec.training.batch_contexts * spec.dataset.replicates
    return (1 + BACKWARD) * contexts * products(spec)


def training_seconds(spec: RunSpec, device: str) -> float:
    """Seconds of a training on one core (`cpu`) or one GPU (`cuda`) by this module's arithmetic."""
    by = "cuda" if device == "cuda" else _evaluated_by(spec)
    asked = 2 if spec.training.objective == "sure" else 1  # times that a step asks the model
    if by == "native":  # which takes the Gram form whatever the width of the keys
        spec = spec.model_copy(
            update={"model": spec.model.model_copy(update={"key_dimension": None})}
        )
    flops = asked * training_products(spec) * (2 if spec.training.precision == "float64" else 1)
    layers = getattr(spec.model, "layers", LAYERS) - 1 if by == "torch" else 1
    step = asked * STEP[by] * layers + FACTORING.get(spec.training.optimizer, 0)
    return _clustering_seconds(spec) + spec.training.steps * step + flops / _rate(spec, by)


def _rate(spec: RunSpec, by: str) -> float:
    """Flops a second."""
    if by != "torch" or spec.model.kind != "transformer":
        return RATE[by]
    entries = spec.model.rows(spec.dataset.context_length) * (spec.dataset.problem.dimension + 1)
    return GROWING[0] + GROWING[1] * entries


def _clustering_seconds(spec: RunSpec) -> float:
    """Of EM of one Gaussian, where experts begin at clusters of its estimates."""
    if not (isinstance(spec.model, MixtureOfRidgesSpec) and spec.model.clustered_contexts):
        return 0
    contexts = spec.model.clustered_contexts
    n, d = spec.dataset.context_length + spec.dataset.heldout_length, spec.dataset.problem.dimension
    return 2 * CLUSTERING * contexts * spec.dataset.replicates * n * (2 * d + n) ** 2 / SMALL


def _evaluated_by(spec: RunSpec) -> str:
    """What evaluates the model on a core, where the kernel in C can be compiled."""
    model = spec.model
    covered = model.kind == "transformer" and model.has_gram_form and model.norm == "matrix"
    return "native" if covered and spec.training.precision == "float32" else "torch"


def _tokens(spec: RunSpec, contexts: int) -> float:
    """MB of the tokens of so many contexts and all members."""
    rows, columns = spec.model.rows(spec.dataset.context_length), spec.dataset.problem.dimension + 1
    return 4 * contexts * spec.dataset.replicates * rows * columns / MB


def _pool(spec: DatasetSpec, replicates: int) -> float:
    """MB of the training contexts with their held-out rows."""
    rows = spec.context_length + spec.heldout_length
    return 4 * replicates * spec.train_contexts * rows * (spec.problem.dimension + 1) / MB


def _train(plan: Plan, run: str) -> Request:
    spec = plan.runs[run]
    held = 2.5 * _pool(spec.dataset, spec.dataset.replicates)
    memory = 650 + held + 25 * _tokens(spec, spec.training.batch_contexts)
    if spec.training.precision == "float64":
        memory *= 2
    return Request.of(
        memory, training_seconds(spec, "cuda" if plan.compute.device == "cuda" else "cpu")
    )


def _evaluate_run(plan: Plan, run: str, elsewhere: str | None = None) -> Request:
    spec = plan.runs[run]
    orders = 1 if elsewhere is not None else plan.row_orders + 1
    contexts = spec.dataset.test_contexts * spec.dataset.replicates * orders
    seconds = contexts * products(spec) / _rate(spec, _evaluated_by(spec))
    memory = 420 + 20 * _tokens(spec, BATCH) + _experts(spec) + _hidden(spec)
    return Request.of(memory, 10 + seconds)


def _hidden(spec: RunSpec) -> float:
    """MB of what a feed-forward part makes of each token of so many contexts."""
    width = getattr(spec.model, "feed_forward", None) or 0
    columns = spec.dataset.problem.dimension + 1
    return 40 * BATCH * spec.dataset.replicates * width * columns / MB


def _experts(spec: RunSpec) -> float:
    """MB of what each expert of a mixture makes of the rows of so many contexts."""
    if not isinstance(spec.model, MixtureOfRidgesSpec):
        return 0
    seen = spec.dataset.context_length * spec.model.experts * (1 + spec.model.rank)
    return 90 + 40 * BATCH * spec.dataset.replicates * seen / MB


def _evaluate_run_memorised(plan: Plan, run: str) -> Request:
    spec = plan.runs[run]
    contexts = spec.dataset.test_contexts * spec.dataset.replicates**2
    memory = 420 + 20 * _tokens(spec, BATCH) + 2.5 * _pool(spec.dataset, 1)
    return Request.of(memory, 10 + contexts * products(spec) / _rate(spec, _evaluated_by(spec)))


def _make_dataset(plan: Plan, dataset: str) -> Request:
    spec = plan.datasets[dataset]
    pool = _pool(spec, spec.replicates)
    chunk = 6000 * pool / (spec.replicates * spec.train_contexts)  # what is drawn at once
    images = 150 if spec.problem.prior.kind == "empirical" else 0  # with the library that has them
    return Request.of(150 + images + chunk, pool / 20)  # a slow disk


def _evaluate_baseline(
    plan: Plan, dataset: str, estimator: str, elsewhere: str | None = None
) -> Request:
    spec = plan.datasets[dataset]
    contexts = spec.test_contexts + spec.train_contexts * spec.replicates
    n, d = spec.context_length, spec.problem.dimension
    seconds = 40 * contexts * n**2 * d / SMALL
    if estimator == "empirical_bayes":
        seconds += spec.replicates * EM * _em_seconds(spec)
    elif estimator in OF_FULL_RANK:
        seconds *= OF_FULL_RANK[estimator] * (1 + d / n)
    pools = 8 if estimator in OF_FULL_RANK else 4
    return Request.of(300 + pools * _pool(spec, 1), 10 + seconds)


def _em_seconds(spec: DatasetSpec) -> float:
    """Of an iteration of EM at the largest rank tried: its normal equations and its residuals."""
    n, d, contexts = spec.context_length, spec.problem.dimension, spec.train_contexts
    prior = spec.problem.prior
    rank = min(prior.rank + 1, n) if prior.kind == "low_rank" else n
    columns = min(rank + 1, UNKNOWNS // d)  # of (w_0, A)
    equations = contexts * columns**2 * d * (d + 1) + (columns * d) ** 3 / 3
    residuals = contexts * columns * (8 * n * d + 4 * n * columns + 3 * columns**2)
    return equations / DENSE + residuals / SMALL


def _extract_prior(plan: Plan, run: str) -> Request:
    spec = plan.runs[run].dataset
    return Request.of(200, 5 + spec.replicates * spec.problem.dimension**3 / 1e6)


def _small(memory: float) -> Callable[..., Request]:
    """Tables and pictures: the same at every scale."""
    return lambda plan, **_: Request.of(memory, 30)


REQUESTS: dict[str, Callable[..., Request]] = {
    "make_dataset": _make_dataset,
    "train": _train,
    "evaluate_run": _evaluate_run,
    "extract_prior": _extract_prior,
    "evaluate_baseline": _evaluate_baseline,
    "evaluate_run_elsewhere": _evaluate_run,
    "evaluate_run_memorised": _evaluate_run_memorised,
    "evaluate_baseline_elsewhere": _evaluate_baseline,
    "tabulate_experiment": _small(200),
    "tabulate_moments": _small(200),
    "tabulate_examples": _small(350),
    "probe_layers": _small(530),
    "draw_figure": _small(400),
    "judge_claims": _small(320),
}
"""By rule; memory in MB is the recorded peak at scale laptop, rounded up."""


def as_markdown(config: Config) -> str:
    """What each rule's jobs ask for at the first attempt, smallest to largest, at each scale."""
    plans = [expand(config.model_copy(update={"scale": scale})) for scale in config.scales]
    lines = [
        "| rule | " + " | ".join(plan.scale for plan in plans) + " |",
        "|---" * (len(plans) + 1) + "|",
    ]
    for rule in REQUESTS:
        cells = []
        for plan in plans:
            asked = [request(plan, rule, **each) for each in _wildcards(plan, rule)]
            memory = _span([each.memory / 1000 for each in asked])
            time = _span([each.runtime for each in asked])
            cells.append(f"{memory} GB, {time} min" if asked else "–")
        lines.append(f"| `{rule}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _wildcards(plan: Plan, rule: str) -> list[Mapping[str, str]]:
    """Of the rule's jobs: of those that score, the ones that an experiment asks for."""
    every = (job for name in plan.experiments for job in scoring(plan, name))
    asked = [job.wildcards for job in every if job.rule == rule]
    return asked or [job.wildcards for job in planned(plan) if job.rule == rule]


def _span(values: list[float]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
