"""The unrolled gradient against its defining recursion, one context at a time."""

import numpy as np
import torch

from nao.models.unrolled_gradient import UnrolledGradient
from nao.specs import UnrolledGradientSpec

N, D, LAYERS, MEMBERS, CONTEXTS = 4, 6, 3, 2, 5


def drawn() -> tuple[UnrolledGradient, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    spec = UnrolledGradientSpec(kind="unrolled_gradient", layers=LAYERS)
    model = UnrolledGradient(spec, N, D, MEMBERS).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model, torch.randn(MEMBERS, CONTEXTS, N, D + 1, generator=generator, dtype=torch.float64)


def test_equals_the_recursion():
    model, tokens = drawn()
    estimates = model(tokens).detach().numpy()
    for member in range(MEMBERS):
        steps = model.preconditioners[member].detach().numpy()
        for context in range(CONTEXTS):
            rows = tokens[member, context].numpy()
            w = model.start[member].detach().numpy()
            for step in steps:
                w = w + step @ rows[:, :D].T @ (rows[:, D] - rows[:, :D] @ w) / N
            np.testing.assert_allclose(estimates[member, context], w, rtol=1e-10)


def test_the_order_of_rows_does_not_matter():
    model, tokens = drawn()
    torch.testing.assert_close(model(tokens[:, :, [2, 0, 3, 1]]), model(tokens))


def test_starts_as_gradient_descent_from_zero():
    spec = UnrolledGradientSpec(kind="unrolled_gradient", layers=1, initial_step=0.5)
    model = UnrolledGradient(spec, N, D).double()
    model.initialise([np.random.default_rng(0)])
    _, tokens = drawn()
    x, y = tokens[:1, ..., :D], tokens[:1, ..., D:]
    torch.testing.assert_close(model(tokens[:1]), 0.5 / N * (x.mT @ y).squeeze(-1))


def test_normalised_it_is_itself_on_contexts_of_one_size():
    """ŵ of (X, Y) is what plain steps make of (X, Y)/(‖X‖/√n), and no unit of both changes it."""
    model, tokens = drawn()
    size = tokens[..., :D].flatten(2).norm(dim=2)[..., None, None] / N**0.5
    expected = model(tokens / size)
    model.spec = model.spec.model_copy(update={"normalise": True})
    torch.testing.assert_close(model(tokens), expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model(1e3 * tokens), model(tokens), rtol=1e-10, atol=1e-12)


def test_normalised_steps_are_stable_whatever_the_design():
    spec = UnrolledGradientSpec(
        kind="unrolled_gradient", layers=400, initial_step=1.0, normalise=True
    )
    model = UnrolledGradient(spec, N, D, 1).double()
    model.initialise([np.random.default_rng(0)])
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((1, 50, N, D)))
    x = x * torch.logspace(2, 0, D, dtype=torch.float64)
    w = torch.ones(D, 1, dtype=torch.float64)
    estimates = model(torch.cat([x, x @ w], -1))
    assert (estimates.norm(dim=-1) <= w.norm() + 1e-9).all()
