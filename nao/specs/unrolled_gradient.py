"""Specification of the unrolled preconditioned gradient."""

from typing import Literal

from pydantic import Field

from nao.specs.base import LearnedSpec, Size


class UnrolledGradientSpec(LearnedSpec):
    """Unrolled preconditioned gradient, a rival of ours: L steps with learned matrices P_l."""

    kind: Literal["unrolled_gradient"]
    layers: int = Field(ge=1, description="L, the gradient steps")
    initial_step: Size = Field(default=0.3, description="P_l = initial_step · I at first")
    normalise: bool = Field(
        default=False,
        description="gradients are divided by ‖X‖² in place of n, which bounds XᵀX where contexts "
        "differ in size",
    )

    def products(self, context_length: int, dimension: int) -> float:
        """X w, Xᵀr and P g of every step."""
        return self.layers * (4 * context_length * dimension + 2 * dimension**2)
