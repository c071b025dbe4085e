"""Muon's factors: a polynomial of singular values, by the kernel as by torch, each matrix alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nao.training.muon import POLYNOMIAL, STEPS, Muon, orthogonal_factors

SIZES = st.integers(1, 12)


def drawn(count: int, rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, rows, columns, generator=generator, dtype=torch.float64)


def by_singular_values(matrices: torch.Tensor) -> torch.Tensor:
    """U p(S / ‖S‖) Vᵀ, with the odd polynomial taken `STEPS` times."""
    a, b, c = POLYNOMIAL
    u, s, vh = torch.linalg.svd(matrices, full_matrices=False)
    s = s / s.norm(dim=1, keepdim=True)
    for _ in range(STEPS):
        s = a * s + b * s**3 + c * s**5
    return u @ torch.diag_embed(s) @ vh


@given(count=st.integers(1, 19), rows=SIZES, columns=SIZES, seed=st.integers(0, 99))
@pytest.mark.parametrize("kernel", ["native", "torch"])
def test_factors_are_the_polynomial_of_singular_values(kernel, count, rows, columns, seed):
    matrices = drawn(count, rows, columns, seed)
    expected = by_singular_values(matrices)
    exact = orthogonal_factors(matrices, kernel)  # float64, which no kernel takes
    torch.testing.assert_close(exact, expected, rtol=1e-9, atol=1e-9)
    single = orthogonal_factors(matrices.float(), kernel)
    torch.testing.assert_close(single, expected.float(), rtol=2e-4, atol=2e-4)


@given(count=st.integers(2, 19), rows=SIZES, columns=SIZES)
def test_by_the_kernel_a_matrix_has_the_same_bits_whatever_it_is_stacked_with(count, rows, columns):
    matrices = drawn(count, rows, columns).float()
    together = orthogonal_factors(matrices, "native")
    assert torch.equal(together[-1:], orthogonal_factors(matrices[-1:], "native"))


def test_singular_values_end_near_one():
    values = torch.linalg.svdvals(orthogonal_factors(drawn(50, 20, 21), "torch"))
    assert 0.6 < values.min() < values.max() < 1.25


@pytest.mark.parametrize("kernel", ["native", "torch"])
def test_a_gradient_of_zeros_gives_no_step(kernel):
    zeros = torch.zeros(2, 3, 4)
    assert torch.equal(orthogonal_factors(zeros, kernel), zeros)


def test_what_is_given_is_left_as_it_is():
    matrices = drawn(3, 4, 5).float()
    before = matrices.clone()
    orthogonal_factors(matrices, "native")
    assert torch.equal(matrices, before)


@pytest.mark.parametrize(("rows", "columns"), [(9, 4), (4, 9)])
def test_a_step_is_torchs_own_on_each_matrix(rows, columns):
    """To the rounding of the sixteen bits that torch's own keeps of its factors."""
    start, gradient = drawn(6, rows, columns), drawn(6, rows, columns, seed=1)
    together = start.clone().view(2, 3, rows, columns)
    together.grad = gradient.view_as(together)
    Muon([{"params": [together], "lr": 0.1}], beta=0.9, kernel="torch").step()
    for before, after, slope in zip(start, together.flatten(0, 1), gradient, strict=True):
        matrix = before.clone()
        matrix.grad = slope
        torch.optim.Muon([matrix], lr=0.1, weight_decay=0.0, momentum=0.9).step()
        assert (after - matrix).norm() < 0.02 * (after - before).norm()
