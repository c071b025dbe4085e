"""Specification of a training."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from nao.specs.base import Size, Spec

LEVELLED = ("r2r", "sure")
"""Objectives that draw noise of the level that they estimate from the training contexts."""


class TrainingSpec(Spec):
    """How the weights are found."""

    objective: Literal["misfit", "heldout", "supervised", "r2r", "sure"] = "misfit"
    row_symmetry: Literal["none", "permute", "rotate"] = "permute"
    batch_contexts: PositiveInt = Field(description="contexts per step and replicate")
    steps: PositiveInt
    learning_rate: Size = Field(description="peak, after a linear warm-up")
    norm_rate: Size = Field(
        default=1.0, description="rate of codes and of LayerNorm's gain and bias, as a multiple"
    )
    warmup_steps: int = Field(ge=0, description="of a linear rise, then the schedule")
    schedule: Literal["cosine", "exponential"] = "cosine"
    final_rate: float = Field(
        default=0.0, ge=0, le=1, description="where the schedule ends, as a share of the peak"
    )
    gradient_clip: Size | None = Field(default=1.0, description="largest gradient norm a member")
    optimizer: Literal["adam", "muon", "soap", "schedule_free"] = "adam"
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean gradient")
    beta2: float = Field(default=0.99, ge=0, lt=1, description="decay of its square")
    averaged_steps: PositiveInt | None = Field(
        default=None,
        description="horizon of the exponential average of weights to keep; null: the last weights",
    )
    precision: Literal["float32", "float64"] = "float32"
    seed: int = Field(ge=0, description="root of the initialisation and batch streams")

    @model_validator(mode="after")
    def _decays(self) -> "TrainingSpec":
        if self.schedule == "exponential" and self.final_rate == 0:
            raise ValueError(
                "schedule = 'exponential' never reaches final_rate = 0; "
                "give a share such as 0.01, or use the cosine"
            )
        return self
