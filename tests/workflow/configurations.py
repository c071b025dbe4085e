"""Small studies of any kind that the configuration accepts: every field of a run is drawn.

Sizes are of a handful, and so that most of what is drawn fits together; what does not is for the
configuration to refuse.
"""

import copy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from nao.demands import ORACLE
from nao.estimators.table import ESTIMATORS
from nao.yaml_files import read_yaml

CONFIG, _ = read_yaml(Path(__file__).parents[2] / "config.yaml")
ENOUGH = (20, 40)  # contexts: with few, objectives that need the noise level are refused
# The learners: one whose codes are swept, one of any kind, and a mixture of ridges
CODED, FREE, MIXED = "coded", "free", "mixed"

counts = st.integers(1, 4)
extreme = st.floats(1e-12, 1e12)
usual = st.floats(0.01, 3)
positive = st.one_of(usual, usual, extreme)
seeds = st.integers(0, 2**62)
conditions = st.floats(1, 1e8)


def some(**optional: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Any of these keys; the others are left to their defaults."""
    return st.fixed_dictionaries({}, optional=optional)


def spectra() -> SearchStrategy[dict[str, float]]:
    """The largest and the smallest variance of a prior."""
    ordered = st.tuples(positive, positive).map(sorted)
    return ordered.map(lambda pair: {"variance_min": pair[0], "variance_max": pair[1]})


def low_rank(ranks: SearchStrategy[int]) -> SearchStrategy[dict[str, Any]]:
    shape = some(
        law=st.sampled_from(["gaussian", "uniform", "student_t"]),
        mean_norm=st.one_of(st.just(0.0), positive),
        basis=st.sampled_from(["haar", "cosines"]),
    )
    return st.builds(
        lambda rank, spectrum, more: {"kind": "low_rank", "rank": rank} | spectrum | more,
        ranks,
        spectra(),
        shape,
    )


designs = st.one_of(
    st.fixed_dictionaries({"kind": st.just("gaussian")}, optional={"condition": conditions}),
    st.fixed_dictionaries(
        {
            "kind": st.just("operator"),
            "operator": st.sampled_from(["integral", "nonlocal", "aggregation"]),
        },
        optional={"functions": counts, "smoothness": positive, "modes": counts},
    ),
)
spreads = st.one_of(st.floats(1, 10), st.floats(1, 1e6))
noises = st.builds(
    lambda size, more: {size[0]: size[1]} | more,
    st.tuples(st.sampled_from(["std", "std", "ratio"]), positive),
    some(law=st.sampled_from(["gaussian", "uniform", "laplace", "student_t"]), spread=spreads),
)


def priors(dimension: int) -> SearchStrategy[dict[str, Any]]:
    ranks = st.integers(1, dimension)
    mixture = {"kind": st.just("mixture"), "components": counts}
    sparse = {"kind": st.just("sparse"), "nonzeros": ranks}
    return st.one_of(
        low_rank(ranks),
        low_rank(ranks),
        st.fixed_dictionaries(
            mixture, optional={"rank": ranks, "variance": positive, "mean_norm": positive}
        ),
        st.fixed_dictionaries(sparse, optional={"variance": positive}),
        st.just({"kind": "bump"}),
    )


@st.composite
def datasets(draw: st.DrawFn, contexts: SearchStrategy[int]) -> dict[str, Any]:
    dimension = draw(st.integers(2, 8))
    images = draw(st.integers(0, 9)) == 0
    problem = {
        "dimension": 64 if images else dimension,
        "design": draw(designs),
        "prior": {"kind": "empirical"} if images else draw(priors(dimension)),
        "noise": draw(noises),
    }
    return {
        "problem": problem,
        "context_length": draw(st.integers(1, dimension - 1)),
        "train_contexts": draw(contexts),
        "test_contexts": draw(st.integers(2, 6)),
        "replicates": draw(st.integers(1, 2)),
    } | draw(some(first_replicate=st.integers(0, 2**29)))


def symmetries(problem: dict[str, Any]) -> list[str]:
    gaussian = problem["design"]["kind"] == problem["noise"].get("law", "gaussian") == "gaussian"
    return ["none", "permute", "rotate"] if gaussian else ["none", "permute"]


codes = some(
    rows=st.sampled_from(["blank", "data"]), share=st.floats(0.01, 0.99), initial_std=positive
)
solver = st.fixed_dictionaries({"share": st.floats(0.01, 0.99)}, optional={"initial_std": positive})
shape = {
    "heads": counts,
    "key_dimension": counts,
    "values": st.sampled_from(["identity", "learned"]),
    "feed_forward": st.one_of(st.none(), counts),
    "initial_gain": st.one_of(st.just(0.0), positive),
    "initial_bias_std": st.one_of(st.just(0.0), positive),
    "initial_readout": positive,
}
normed = {"norm": st.sampled_from(["matrix", "row"])}
attention = st.sampled_from(["linear", "softmax"])
models = st.one_of(
    some(layers=counts, codes=codes, **normed, **shape),
    some(
        layers=counts,
        codes=st.none(),
        norm=st.sampled_from(["matrix", "row", "none"]),
        attention=attention,
        **shape,
    ),
    st.fixed_dictionaries(
        {"layers": st.integers(3, 5), "codes": st.none(), "start": solver},
        optional=normed | shape,
    ),
    st.fixed_dictionaries(
        {"kind": st.just("unrolled_gradient"), "layers": counts},
        optional={"initial_step": positive, "normalise": st.booleans()},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("row_token_transformer"), "layers": counts},
        optional={"initial_step": positive},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("mixture_of_ridges"), "experts": counts, "rank": st.integers(1, 10)},
        optional={
            "clustered_contexts": counts,
            "initial_background": positive,
            "initial_noise": positive,
        },
    ),
)


def trainings(symmetries: list[str], objectives: list[str]) -> SearchStrategy[dict[str, Any]]:
    schedule = st.one_of(
        st.fixed_dictionaries({"schedule": st.just("cosine"), "final_rate": st.floats(0, 1)}),
        st.fixed_dictionaries(
            {"schedule": st.just("exponential"), "final_rate": st.floats(1e-6, 1)}
        ),
    )
    more = some(
        objective=st.sampled_from(objectives),
        row_symmetry=st.sampled_from(symmetries),
        batch_contexts=counts,
        steps=st.integers(2, 4),
        learning_rate=positive,
        norm_rate=positive,
        warmup_steps=st.integers(0, 6),
        gradient_clip=st.one_of(st.none(), positive),
        optimizer=st.sampled_from(["adam", "muon", "soap", "schedule_free"]),
        beta1=st.floats(0, 1, exclude_max=True),
        beta2=st.floats(0, 1, exclude_max=True),
        averaged_steps=counts,
        precision=st.sampled_from(["float32", "float64"]),
    )
    return st.tuples(schedule, more).map(lambda pair: pair[0] | pair[1])


rivals_of_the_oracle = st.sampled_from([name for name in ESTIMATORS if name != ORACLE])


def axes(dataset: dict[str, Any], contexts: SearchStrategy[int]) -> dict[str, SearchStrategy[Any]]:
    """What a run over this data set has of what the project's experiments sweep."""
    problem = dataset["problem"]
    found = {
        "dataset.train_contexts": contexts,
        "dataset.context_length": st.integers(1, problem["dimension"] - 1),
        "training.steps": st.integers(2, 4),
        "training.batch_contexts": counts,
        "training.learning_rate": positive,
        "training.norm_rate": positive,
        "model.layers": st.integers(2, 4),
        "model.codes.initial_std": positive,
        "model.codes.share": st.floats(0.01, 2),
        "model.experts": counts,
    }
    if "std" in problem["noise"]:
        found["dataset.problem.noise.std"] = positive
    if problem["design"]["kind"] == "gaussian":
        found["dataset.problem.design.condition"] = conditions
    prior = problem["prior"]
    if prior["kind"] == "low_rank":
        found["dataset.problem.prior.rank"] = st.integers(1, min(6, problem["dimension"]))
        if 2 * prior["rank"] <= min(6, problem["dimension"]):
            found["dataset.problem.prior.tilt"] = st.floats(0, 90)
    return found


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """The project's experiments, over any small base point, learners, baselines and values."""
    known, blind = ["misfit", "heldout", "supervised"], ["r2r", "sure"]
    objectives, contexts = draw(
        st.sampled_from([(known, st.integers(1, 20)), (blind + known, st.integers(*ENOUGH))])
    )
    dataset = draw(datasets(contexts))
    training = trainings(symmetries(dataset["problem"]), objectives)
    free = {"label": draw(st.text(min_size=1, max_size=8)), "model": draw(models)} | draw(
        some(
            look=st.just({"color": "sky", "marker": "^"}),
            relative_steps=st.sampled_from([0.5, 1, 1.5]),
        )
    )
    values = copy.deepcopy(CONFIG) | {
        "scale": "smoke",
        "seed": draw(seeds),
        "row_orders": draw(counts),
        "baselines": [ORACLE, *draw(st.lists(rivals_of_the_oracle, unique=True))],
        "learners": {
            CODED: {"label": "coded", "training": draw(training)},
            FREE: free | {"training": draw(training)},
            MIXED: {"label": "K", "model": CONFIG["learners"]["mor"]["model"]},
        },
    }
    points = {}
    swept = axes(dataset, contexts)
    has_layers = "layers" in free["model"]
    for name, experiment in values["experiments"].items():
        experiment["learners"] = [CODED, FREE]
        experiment.pop("baselines", None)
        if name.startswith("recipe_") or (name == "depth" and not has_layers):
            experiment["learners"] = [CODED]
        if name == "experts":
            experiment["learners"] = [MIXED]
        # Settings keep their names, and change nothing but where a figure needs it
        pixels = {} if dataset["problem"]["dimension"] == 64 else {"dimension": 9}
        change = {"dataset": {"problem": pixels}} if name == "digits" else {}
        experiment["settings"] = dict.fromkeys(experiment.get("settings", {}), change)
        if experiment["axis"] is not None:
            if experiment["axis"] not in swept:
                experiment["axis"] = "training.steps"
            most = 1 if name == "operators" else 2
            own = st.lists(swept[experiment["axis"]], min_size=1, max_size=most, unique=True)
            points[name] = draw(own)
    base = {
        "dataset": dataset,
        "model": {"layers": draw(st.integers(2, 4))},
        "training": {"batch_contexts": 4, "steps": 3, "warmup_steps": 1},
    }
    values["scales"] = {"smoke": {"base": base, "values": points}}
    return values
