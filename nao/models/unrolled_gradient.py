"""Unrolled preconditioned gradient (ours): L gradient steps whose matrices are learned.

    w ← w + P_l Xᵀ(Y − X w)/n,   l = 1 … L,   from a learned start

With `normalise`, ‖X‖² (Frobenius) stands in place of n, as if each context (X, Y) were divided by
‖X‖/√n: the steps of all contexts are then stable together, since ‖XᵀX‖ ≤ ‖X‖², and ŵ is the same
in whatever units X and Y are both given.

It sees a context through XᵀX and XᵀY only, so the order of rows cannot matter to it, and it is
linear in Y: without `normalise`, what a linear transformer with the rows as tokens can express.
"""

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from nao.models.stack import Stack, Tokens
from nao.specs import UnrolledGradientSpec


class UnrolledGradient(Stack):
    """S members; preconditioners (S, L, d, d), start (S, d)."""

    row_invariant = True
    preconditioners: nn.Parameter
    start: nn.Parameter

    def __init__(
        self, spec: UnrolledGradientSpec, context_length: int, dimension: int, members: int = 1
    ):
        super().__init__()
        self.spec, self.context_length, self.dimension = spec, context_length, dimension
        self.allocate(
            members, preconditioners=(spec.layers, dimension, dimension), start=(dimension,)
        )

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Plain gradient descent from 0: nothing is drawn."""
        step = self.spec.initial_step * np.eye(self.dimension)
        return {
            "preconditioners": np.broadcast_to(step, (self.spec.layers, *step.shape)),
            "start": np.zeros(self.dimension),
        }

    def forward(self, tokens: Tokens) -> Float[Tensor, "S B d"]:
        """ŵ of every member for its contexts."""
        x, y = tokens[..., :-1], tokens[..., -1:]
        members, contexts = tokens.shape[:2]
        w = self.start[:, None, :, None].expand(members, contexts, self.dimension, 1)
        size = x.square().sum((2, 3), True) if self.spec.normalise else self.context_length
        for layer in range(self.spec.layers):
            gradient = x.mT @ (y - x @ w) / size
            w = w + (gradient.squeeze(-1) @ self.preconditioners[:, layer].mT).unsqueeze(-1)
        return w.squeeze(-1)
