"""The cost of one training step: rows, forward, backward, clipping, Adam.

Against torch's own evaluation of it and those of `reference`, against the floor, and as it grows
with each size. The floor
is the time that the step's products would take at the rate of one large matrix product, measured
in the same rounds; the flops are counted as the step runs.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import pandas as pd
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from nao.bench.reference import Encoder, StraightforwardNAO, plain_step
from nao.bench.timing import Subject, ratios, side_by_side
from nao.models.attention import Form, gram_is_cheaper
from nao.models.native import resolve
from nao.models.transformer import Transformer
from nao.models.weights import build
from nao.seeding import stream
from nao.specs import DatasetSpec, ProblemSpec, RunSpec, TrainingSpec, TransformerSpec
from nao.training.batches import Batches
from nao.training.train import Training

LARGE = 1024  # rows of the square matrices whose product measures the machine's rate


@dataclass(frozen=True)
class Shape:
    """The sizes that a step's cost depends on; by default those of the paper's base point."""

    n: int = 50
    d: int = 100
    layers: int = 4
    d_k: int = 50
    heads: int = 1
    batch: int = 100
    members: int = 1

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in asdict(self).items())

    @property
    def spec(self) -> RunSpec:
        """A run of this shape."""
        problem = ProblemSpec.model_validate(
            {"dimension": self.d, "prior": {"rank": 1}, "noise": {"std": 0.1}}
        )
        dataset = DatasetSpec(
            problem=problem,
            context_length=self.n,
            train_contexts=self.batch,
            test_contexts=2,
            replicates=self.members,
            seed=0,
        )
        model = TransformerSpec(layers=self.layers, heads=self.heads, key_dimension=self.d_k)
        training = TrainingSpec(
            batch_contexts=self.batch, steps=1, learning_rate=1e-4, warmup_steps=0, seed=0
        )
        return RunSpec(dataset=dataset, model=model, training=training)


PAPER = Shape()
LAPTOP = Shape(n=10, d=20, layers=8, d_k=10, batch=64, members=3)
GROWTH: dict[str, tuple[int, ...]] = {
    "n": (12, 25, 50, 90),
    "d": (60, 100, 200, 400),
    "layers": (2, 4, 8),
    "d_k": (6, 12, 25, 50, 100),
    "heads": (1, 2, 4),
    "batch": (25, 50, 100, 200),
    "members": (1, 4, 16),
}
"""The sizes varied one by one from `PAPER`."""
WIDTHS = (8, 16, 24, 32, 50)
"""Key dimensions at which the two exact evaluations of a layer are compared."""


def training_step(
    shape: Shape, device: torch.device, form: Form | None = None
) -> Callable[[], Tensor]:
    """One step of a real training of that shape, evaluated by that form or the cheapest."""
    spec = shape.spec
    model = build(spec, resolve("auto", device.type)).to(device)
    model.initialise([stream(0, "bench", member) for member in range(shape.members)])
    assert isinstance(model, Transformer)
    model.form = form
    pool = drawn_rows(shape, device, torch.float32)
    batches = Batches(pool, None, spec.training, spec.dataset.members)
    training, chunk = Training(spec, model, batches), batches.chunk(0)
    return lambda: training.take_step(chunk, 0)


def drawn_rows(shape: Shape, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Gaussian contexts (members, batch, n, d + 1)."""
    generator = torch.Generator().manual_seed(0)
    sizes = (shape.members, shape.batch, shape.n, shape.d + 1)
    return torch.randn(sizes, generator=generator).to(device, dtype)


def counted_flops(step: Callable[[], object]) -> int:
    """Floating-point operations of all matrix products in one step, forward and backward."""
    # The form in place is the one that torch does not count.
    accumulating = {torch.ops.aten.baddbmm_: _accumulating_flops}
    with FlopCounterMode(display=False, custom_mapping=accumulating) as counter:
        step()
    return counter.get_total_flops()


def _accumulating_flops(_: torch.Size, left: torch.Size, right: torch.Size, **__: object) -> int:
    return 2 * left.numel() * right[-1]


def compare_steps(shape: Shape, device: torch.device, seconds: float) -> pd.DataFrame:
    """NAO's step against the references and the floor."""
    by_torch = training_step(shape, device, "layers")
    flops = counted_flops(by_torch)
    subjects: dict[str, Callable[[], object]] = {
        "NAO": training_step(shape, device),
        "NAO, by torch": by_torch,
    }
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        subjects[f"straightforward, {name}"] = _one_by_one(
            shape,
            lambda: StraightforwardNAO(shape.n, shape.d, shape.layers, shape.heads, shape.d_k),
            device,
            dtype,
        )
    subjects["torch.nn.TransformerEncoder, float32"] = _one_by_one(
        shape, lambda: Encoder(shape.n, shape.layers), device, torch.float32
    )
    measured = {name: Subject(synchronised(step, device)) for name, step in subjects.items()}
    measured["batched products alone, at their rate"] = _batched_products(shape, flops, device)
    measured["floor: all products at the large product's rate"] = _floor(flops, device)
    table = ratios(side_by_side(measured, seconds))
    return table.assign(topic="step", case=str(shape), flops=float(flops))


def measure_growth(axis: str, device: torch.device, seconds: float) -> pd.DataFrame:
    """The step at every size of one axis, as a multiple of the base point's."""
    base = getattr(PAPER, axis)
    values = [base, *(value for value in GROWTH[axis] if value != base)]
    steps = {value: training_step(replace(PAPER, **{axis: value}), device) for value in values}
    subjects = {str(value): Subject(synchronised(step, device)) for value, step in steps.items()}
    table = ratios(side_by_side(subjects, seconds))
    counted = (training_step(replace(PAPER, **{axis: v}), device, "layers") for v in values)
    flops = [float(counted_flops(step)) for step in counted]
    return table.assign(
        topic="growth", case=str(PAPER), axis=axis, value=[float(v) for v in values], flops=flops
    )


def compare_evaluations(width: int, device: torch.device, seconds: float) -> pd.DataFrame:
    """Torch's two exact evaluations of a layer at one key dimension, the cheaper first."""
    shape = replace(PAPER, d_k=width)
    names: dict[Form, str] = {"layers": "Gram form", "keys": "(E Kᵀ) Q"}
    by_gram = gram_is_cheaper(shape.n, shape.d + 1, shape.heads * width)
    forms: tuple[Form, ...] = ("layers", "keys") if by_gram else ("keys", "layers")
    steps = {names[form]: training_step(shape, device, form) for form in forms}
    subjects = {name: Subject(synchronised(step, device)) for name, step in steps.items()}
    table = ratios(side_by_side(subjects, seconds))
    flops = [float(counted_flops(step)) for step in steps.values()]
    return table.assign(
        topic="evaluation", case=str(shape), axis="d_k", value=float(width), flops=flops
    )


def synchronised(step: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """The step until the device has finished it."""

    def run() -> None:
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def _one_by_one(
    shape: Shape,
    model: Callable[[], torch.nn.Module],
    device: torch.device,
    dtype: torch.dtype,
) -> Callable[[], None]:
    """A step of each member in turn, by models that know no members."""
    torch.manual_seed(0)
    pools = drawn_rows(shape, device, dtype)
    steps = [plain_step(model().to(device, dtype), pool) for pool in pools]

    def run() -> None:
        for step in steps:
            step()

    return run


def _floor(flops: int, device: torch.device) -> Subject:
    a = torch.randn(LARGE, LARGE, device=device)
    out = torch.empty_like(a)
    return Subject(synchronised(lambda: torch.mm(a, a, out=out), device), 2 * LARGE**3 / flops)


def _batched_products(shape: Shape, flops: int, device: torch.device) -> Subject:
    """(n × n) (n × D) for every context, the shape that most of a step's flops have."""
    n, tokens, count = shape.n, shape.d + 1, shape.members * shape.batch
    left = torch.randn(count, n, n, device=device)
    right = torch.randn(count, n, tokens, device=device)
    out = torch.empty_like(right)
    product = synchronised(lambda: torch.bmm(left, right, out=out), device)
    return Subject(product, 2 * count * n * n * tokens / flops)
