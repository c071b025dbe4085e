"""Muon for stacks of matrices: the mean gradient's orthogonal factor is the step."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from nao.models.native import Kernel, library

STEPS = 5
POLYNOMIAL = (3.4445, -4.7750, 2.0315)
"""Steps of Newton and Schulz, and a, b, c of theirs, which take singular values from 0.01 to 1 to
between 0.7 and 1.2: as K. Jordan et al., "Muon", 2024, found them."""


class Muon(Optimizer):
    """M ← β M + (1 − β) G, and W ← W − rate · sqrt(max(1, rows/columns)) · O((1 − β) G + β M).

    O(X) ≈ U Vᵀ for X = U S Vᵀ, of every matrix of a stack (…, rows, columns) by itself. torch's
    own takes one matrix at a time, which for small ones costs five times the step.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], beta: float, kernel: Kernel):
        super().__init__(groups, {"lr": 0.0})
        self.beta = beta
        self.kernel: Kernel = kernel

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One step at each group's `lr`."""
        for group in self.param_groups:
            for weights in group["params"]:
                mean = self.state[weights].setdefault("mean", torch.zeros_like(weights))
                mean.lerp_(weights.grad, 1 - self.beta)
                matrices = weights.grad.lerp(mean, self.beta).flatten(0, -3)
                factors = orthogonal_factors(matrices, self.kernel).view_as(weights)
                tall = math.sqrt(max(1.0, weights.shape[-2] / weights.shape[-1]))
                weights.add_(factors, alpha=-group["lr"] * tall)


def orthogonal_factors(
    matrices: Float[Tensor, "count rows columns"], kernel: Kernel
) -> Float[Tensor, "count rows columns"]:
    """Of each X = U S Vᵀ some U S' Vᵀ with S' near 1, but for singular values far below ‖X‖.

    By the kernel in C (`polar.c`) where numbers are float32 on the processor, for one matrix the
    same bits whatever it is stacked with; else X ← X / ‖X‖ and X ← (a + b XXᵀ + c (XXᵀ)²) X.
    """
    if kernel == "native" and matrices.dtype == torch.float32 and matrices.device.type == "cpu":
        return _by_kernel(matrices)
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7)[:, None, None]
    a, b, c = POLYNOMIAL
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def _by_kernel(matrices: Tensor) -> Tensor:
    found = matrices.contiguous().clone()
    count, rows, columns = found.shape
    polynomial = torch.tensor(POLYNOMIAL, dtype=torch.float32)
    room = torch.empty(library().nao_polar_room(rows, columns))
    addresses = (polynomial.data_ptr(), room.data_ptr(), found.data_ptr())
    library().nao_polar(count, rows, columns, STEPS, *addresses)
    return found
