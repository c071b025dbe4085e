"""Specification of the transformer, its codes and its start."""

import math
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from nao.specs.base import LearnedSpec, Spec


class CodeSpec(Spec):
    """Rows of E that hold a learned code of each column, as position encodings do."""

    rows: Literal["blank", "data"] = Field(
        default="blank",
        description="where codes are written: on blank rows added to a context, or on its first",
    )
    share: PositiveFloat = Field(default=0.6, description="code rows for each row of the context")
    initial_std: PositiveFloat = Field(
        default=10.0, description="of a code's entries, in units of the design's"
    )

    @model_validator(mode="after")
    def _leaves_data(self) -> "CodeSpec":
        if self.rows == "data" and self.share >= 1:
            raise ValueError(
                f"share = {self.share:g} with rows = 'data' leaves no row without a code; "
                "lower share below 1, or use rows = 'blank'"
            )
        return self


class LeapfrogSpec(Spec):
    """Weights that begin as a solver by LayerNorm's own bias, without codes.

    The bias of the first LayerNorm draws on some rows of a context what codes would add there.
    """

    share: float = Field(gt=0, lt=1, description="of a context's rows")
    initial_std: PositiveFloat = Field(
        default=10.0, description="of the bias's entries, in units of the design's"
    )


class TransformerSpec(LearnedSpec):
    """The linear transformer of the slides, § 2: L − 1 attention layers and an inverse read-out."""

    kind: Literal["transformer"] = "transformer"
    layers: int = Field(ge=1, description="L, the read-out included")
    heads: PositiveInt = 1
    key_dimension: PositiveInt | None = Field(
        default=None, description="d_k per head; null: as many as rows"
    )
    norm: Literal["matrix", "row", "none"] = Field(
        default="matrix", description="what a LayerNorm runs over: the n × (d+1) matrix or each row"
    )
    codes: CodeSpec | None = Field(
        default=None, description="null: LayerNorm's biases alone tell the columns apart"
    )
    start: LeapfrogSpec | None = Field(
        default=None, description="null: random weights or, with codes, a solver in their span"
    )
    initial_gain: float = Field(default=0.4, ge=0, description="of every LayerNorm")
    initial_bias_std: float = Field(
        default=1.5,
        ge=0,
        description="of every LayerNorm's bias; 0 where it starts as a solver",
    )
    initial_readout: PositiveFloat = Field(
        default=0.05,
        description="scale of the first estimates: of the last keys or, in a solver, of the steps",
    )

    @model_validator(mode="after")
    def _codes_are_normed(self) -> "TransformerSpec":
        if self.codes and self.norm == "none":
            raise ValueError(
                "norm = 'none' lets the products of large codes grow without bound; "
                "use norm = 'matrix', or set codes to null"
            )
        if self.start and (self.codes or self.norm == "none" or self.layers < 3):
            raise ValueError(
                "start writes a solver into the LayerNorms of three layers or more without codes: "
                "set codes to null, norm to 'matrix' or 'row' and layers to 3 at least, "
                "or set start to null"
            )
        return self

    def rows(self, context_length: int) -> int:
        """R, the rows of E: a context's own and those of codes beside them."""
        beside = self.codes is not None and self.codes.rows == "blank"
        return context_length + (self.code_rows(context_length) if beside else 0)

    def code_rows(self, context_length: int) -> int:
        """c, the rows of the codes."""
        return math.ceil(self.codes.share * context_length) if self.codes else 0

    def products(self, context_length: int, dimension: int) -> float:
        """By the cheaper of (E K̃ᵀ) Q̃, its projections included, and (E Ẽᵀ) M Ẽ."""
        rows, tokens = self.rows(context_length), dimension + 1
        factored = 8 * self.heads * (self.key_dimension or rows) * rows * tokens
        gram = 4 * rows * rows * tokens + 2 * rows**3
        return (self.layers - 1) * min(factored, gram)  # the read-out is but vectors
