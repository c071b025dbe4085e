"""Specification of the mixture of ridges."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from nao.specs.base import LearnedSpec, Size, SizeOrZero


class MixtureOfRidgesSpec(LearnedSpec):
    """Mixture of ridges, a rival of ours that is not linear in Y: K learned priors of low rank."""

    kind: Literal["mixture_of_ridges"]
    experts: PositiveInt = Field(description="K")
    rank: int = Field(ge=0, description="r, of each expert's own covariance")
    clustered_contexts: PositiveInt | None = Field(
        default=None,
        description="first training contexts whose linear estimates of w are clustered, for the "
        "experts to begin there; null: they begin at random",
    )
    initial_background: SizeOrZero = Field(
        default=0.0,
        description="B of the covariance BBᵀ that all experts share, at first times I or, with "
        "clusters, times a root of the pooled covariance; 0: none",
    )
    initial_noise: Size = Field(
        default=1.0, description="s at first, units of Y: large, so that all experts learn"
    )

    @model_validator(mode="after")
    def _varies(self) -> "MixtureOfRidgesSpec":
        if self.rank == 0 and self.initial_background == 0:
            raise ValueError(
                "rank = 0 with initial_background = 0 lets w take K values alone; "
                "raise one of the two"
            )
        return self

    def products(self, context_length: int, dimension: int) -> float:
        """What the experts see, their normal matrices, and the whitening."""
        n, d = context_length, dimension
        experts = self.experts * (1 + self.rank) * 2 * n * (d + 1 + self.rank)
        return experts + (4 * n * d * (d + n) if self.initial_background else 0)
