"""The steps that are timed are those of training, and their flops are counted right."""

from dataclasses import replace

import pytest
import torch

from nao.bench.steps import GROWTH, PAPER, Shape, counted_flops, training_step
from nao.models.attention import gram_is_cheaper

CPU = torch.device("cpu")
SMALL = Shape(n=4, d=6, layers=3, d_k=4, batch=5, members=2)


def products(shape: Shape, by_gram: bool) -> int:
    """Multiplications and additions of one step's matrix products, counted by hand."""
    n, n1, tokens = shape.n, shape.n + 1, shape.d + 1
    width, contexts = shape.heads * shape.d_k, shape.batch
    small = 2 * n1 * n1 * width * 3  # W̃_Kᵀ W̃_Q and its two cotangents, of one layer and member
    if by_gram:
        r = n1 + -n1 % 4  # rows of Ẽ with the zeros below it
        # E Ẽᵀ, P Ẽ and, in turn, V Ẽᵀ, dA Ẽ and P_Eᵀ V; A M, Aᵀ dP and dP Mᵀ
        large, mixings = (4 * r + n) * 2 * n * tokens, 3 * 2 * n * r * r
        first = (r + n) * 2 * n * tokens + 2 * n * r * r  # E⁰ needs no cotangent
    else:
        # W_K E, W_Q E, E Kᵀ and (E Kᵀ) Q; each has two cotangents
        large, mixings, first = 3 * 4 * 2 * n * width * tokens, 0, 3 * 2 * n * width * tokens
    pooled = 3 * 2 * n * tokens + 3 * 2 * n1 * n1  # E W_P and the read-out's mixing
    layers = shape.layers - 1
    each = layers * (large + mixings) - first + pooled
    mixed = shape.layers if by_gram else 1  # M is formed of all layers, or for the read-out alone
    return shape.members * (contexts * each + mixed * small)


@pytest.mark.parametrize("shape", [SMALL, replace(SMALL, layers=2, heads=3), PAPER])
@pytest.mark.parametrize("form", ["layers", "keys"])
def test_flops_are_those_counted_by_hand(shape, form):
    counted = counted_flops(training_step(shape, CPU, form))
    assert counted == products(shape, form == "layers")


def test_flops_grow_with_members_and_batch_alone():
    base = counted_flops(training_step(SMALL, CPU, "layers"))
    assert counted_flops(training_step(replace(SMALL, members=6), CPU, "layers")) == 3 * base
    doubled = counted_flops(training_step(replace(SMALL, batch=10), CPU, "layers"))
    assert base < doubled < 2 * base  # W̃_Kᵀ W̃_Q is formed once for all contexts


@pytest.mark.parametrize("form", [None, "layers", "keys"])
def test_the_step_trains(form):
    step = training_step(SMALL, CPU, form)
    losses = torch.stack([step()[0] for _ in range(40)])
    assert losses.shape == (40, SMALL.members)
    assert bool((losses[-1] < losses[0]).all())


def test_growth_varies_what_the_step_costs():
    assert set(GROWTH) == {"n", "d", "layers", "d_k", "heads", "batch", "members"}
    for axis, values in GROWTH.items():
        assert getattr(PAPER, axis) in values
        for value in values:
            assert str(value) in str(replace(PAPER, **{axis: value}).spec.model_dump())


def test_the_base_point_is_evaluated_by_the_gram_form():
    assert gram_is_cheaper(PAPER.n, PAPER.d + 1, PAPER.heads * PAPER.d_k)


@pytest.mark.parametrize("d_k", [24, 30, 40])
def test_the_cost_model_chooses_the_evaluation_of_fewer_flops(d_k):
    shape = replace(PAPER, d_k=d_k, layers=8, batch=2)
    by_gram, by_keys = (
        counted_flops(training_step(shape, CPU, form)) for form in ("layers", "keys")
    )
    assert gram_is_cheaper(shape.n, shape.d + 1, d_k) == (by_gram <= by_keys)
