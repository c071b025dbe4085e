"""Specification of the row-token transformer."""

from typing import Literal

from pydantic import Field

from nao.specs.base import LearnedSpec, Size


class RowTokenTransformerSpec(LearnedSpec):
    """Linear transformer whose tokens are a context's rows, a rival that contains UPG."""

    kind: Literal["row_token_transformer"]
    layers: int = Field(ge=1, description="L, the attention layers")
    initial_step: Size = Field(
        default=0.3, description="of the gradient descent that it is at first"
    )

    def products(self, context_length: int, dimension: int) -> float:
        """P_l Z, Q_l Z, Zᵀ(Q_l Z) and Z(ZᵀQ_lZ) of every layer but the last, and the read-out."""
        n, tokens = context_length, dimension + 1
        return (self.layers - 1) * 4 * n * tokens * (tokens + n) + self.layers * 4 * tokens**2
