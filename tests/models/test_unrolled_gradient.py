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
