"""The row-token transformer against its defining recursion and the gradient steps it contains."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.models.row_token_transformer import RowTokenTransformer
from nao.models.unrolled_gradient import UnrolledGradient
from nao.seeding import stream
from nao.specs import RowTokenTransformerSpec, UnrolledGradientSpec


def model_of(layers: int = 3, n: int = 4, d: int = 6, members: int = 2) -> RowTokenTransformer:
    spec = RowTokenTransformerSpec(kind="row_token_transformer", layers=layers)
    return RowTokenTransformer(spec, n, d, members).double()


def drawn(scale: float = 0.3, **sizes: int) -> RowTokenTransformer:
    model, rng = model_of(**sizes), stream(0, "weights")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(scale * rng.standard_normal(parameter.shape)))
    return model


def contexts(n: int = 4, d: int = 6, members: int = 2, count: int = 3) -> torch.Tensor:
    return torch.from_numpy(stream(1, "rows").standard_normal((members, count, n, d + 1)))


def dense(model: RowTokenTransformer, member: int, rows: np.ndarray) -> np.ndarray:
    """Row tokens and one token a coordinate, side by side, by the equation as it is written."""
    own = {name: value[member].detach().numpy() for name, value in model.named_parameters()}
    n, d = len(rows), rows.shape[1] - 1
    z = np.vstack([rows[:, :d].T, rows[:, d] - rows[:, :d] @ own["start"]])
    asked = np.vstack([np.eye(d), -own["start"]])
    for p, q in zip(own["projections"], own["mixings"], strict=True):
        z, asked = z + p @ z @ (z.T @ q @ z) / n, asked + p @ z @ (z.T @ q @ asked) / n
    return own["readout"] @ asked


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6))
def test_equals_the_recursion(layers, n, d):
    model, rows = drawn(layers=layers, n=n, d=d), contexts(n, d)
    estimates = model(rows).detach().numpy()
    for member in range(2):
        for context in range(3):
            expected = dense(model, member, rows[member, context].numpy())
            np.testing.assert_allclose(estimates[member, context], expected, rtol=1e-8, atol=1e-10)


def test_contains_the_unrolled_gradient():
    steps = UnrolledGradient(
        UnrolledGradientSpec(kind="unrolled_gradient", layers=3), 4, 6, 2
    ).double()
    rng, model = stream(2, "steps"), model_of()
    with torch.no_grad():
        for parameter in steps.parameters():
            parameter.copy_(torch.from_numpy(0.3 * rng.standard_normal(parameter.shape)))
        model.projections[:, :, 6, 6] = 1
        model.mixings[:, :, :6, :6] = -steps.preconditioners.mT
        model.start.copy_(steps.start)
        model.readout[:, 6] = -1
    torch.testing.assert_close(model(contexts()), steps(contexts()), rtol=1e-10, atol=1e-12)


def test_starts_as_gradient_descent_from_zero():
    model = model_of(members=1)
    model.initialise([stream(0, "init")])
    steps = UnrolledGradient(UnrolledGradientSpec(kind="unrolled_gradient", layers=3), 4, 6)
    steps.double().initialise([stream(0, "init")])
    rows = contexts(members=1)
    torch.testing.assert_close(model(rows), steps(rows), rtol=1e-6, atol=1e-6)


def test_rows_may_be_turned_and_it_is_not_linear_in_y():
    model, rows = drawn(), contexts()
    q, _ = np.linalg.qr(stream(3, "turn").standard_normal((4, 4)))
    torch.testing.assert_close(model(torch.from_numpy(q) @ rows), model(rows))
    with torch.no_grad():
        model.start.zero_()
    doubled = torch.cat([rows[..., :-1], 2 * rows[..., -1:]], -1)
    assert not torch.allclose(model(doubled), 2 * model(rows), rtol=1e-2)


def test_every_weight_learns():
    model = model_of()
    model.initialise([stream(0, "init", member) for member in range(2)])
    model(contexts()).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
