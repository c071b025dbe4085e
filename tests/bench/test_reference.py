"""The rivals compute what they stand for; no test here looks at a clock."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nao.bench.reference import Encoder, StraightforwardNAO, plain_step
from nao.bench.steps import Shape, drawn_rows
from nao.models.transformer import Transformer
from nao.models.weights import build
from nao.training.objectives import residual
from nao.training.train import clip_members

CPU = torch.device("cpu")
SMALL = Shape(n=4, d=6, layers=3, d_k=3, heads=2, batch=5)


def alike(shape: Shape) -> tuple[Transformer, StraightforwardNAO]:
    """Both evaluations in float64 with the same random weights."""
    ours = build(shape.spec).double()
    assert isinstance(ours, Transformer)
    plain = StraightforwardNAO(shape.n, shape.d, shape.layers, shape.heads, shape.d_k).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator).double() / 2)
        for weights, modules in ((ours.keys, plain.keys), (ours.queries, plain.queries)):
            for layer in range(shape.layers):
                for head in range(shape.heads):
                    linear = modules.get_submodule(f"{layer}.{head}")
                    linear.get_parameter("weight").copy_(weights[0, layer, head, :, : shape.n])
                    linear.get_parameter("bias").copy_(weights[0, layer, head, :, shape.n])
        for layer, norm in enumerate(plain.norms):
            norm.get_parameter("weight").copy_(ours.gain[0, layer].T)
            norm.get_parameter("bias").copy_(ours.bias[0, layer].T)
        plain.readout.copy_(ours.readout[0])
    return ours, plain


@pytest.mark.parametrize("shape", [SMALL, replace(SMALL, d_k=8, heads=1), replace(SMALL, layers=1)])
def test_the_straightforward_evaluation_is_the_same_map(shape):
    ours, plain = alike(shape)
    rows = drawn_rows(shape, CPU, torch.float64)
    expected = plain(rows[0].mT)
    torch.testing.assert_close(ours(rows)[0], expected, rtol=1e-9, atol=1e-10)


def test_a_plain_step_moves_the_weights_as_training_does():
    ours, plain = alike(SMALL)
    rows = drawn_rows(SMALL, CPU, torch.float64)
    parameters = list(ours.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-4)
    step = plain_step(plain, rows[0])
    for _ in range(3):
        loss = residual(rows, ours(rows))
        gradients = list(torch.autograd.grad(loss.sum(), parameters))
        clip_members(gradients, 1.0)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        torch.testing.assert_close(step(), loss[0].detach(), rtol=1e-9, atol=1e-12)
    for layer, norm in enumerate(plain.norms):
        torch.testing.assert_close(norm.weight, ours.gain[0, layer].T, rtol=1e-6, atol=1e-9)


def test_the_encoder_learns_and_sees_every_token():
    torch.manual_seed(0)
    model = Encoder(SMALL.n, SMALL.layers).double()
    rows = drawn_rows(SMALL, CPU, torch.float64)[0]
    before = model(rows.mT)
    assert before.shape == (SMALL.batch, SMALL.d)
    changed = rows.clone()
    changed[..., -1] += 1  # Y
    assert (model(changed.mT) != before).all()
    step = plain_step(model, rows)
    losses = [float(step()) for _ in range(30)]
    assert np.all(np.isfinite(losses))
    assert losses[-1] < losses[0]
