"""Specification of the transformer, its codes and its start."""

import math
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from nao.specs.base import LearnedSpec, Size, SizeOrZero, Spec


class CodeSpec(Spec):
    """Rows of E that hold a learned code of each column, as position encodings do."""

    rows: Literal["blank", "data"] = Field(
        default="blank",
        description="where codes are written: on blank rows added to a context, or on its first",
    )
    share: Size = Field(default=0.6, description="code rows for each row of the context")
    initial_std: Size = Field(
        default=10.0, description="of a code's entries, in units of the design's"
    )
    initial_directions: Literal["all", "seen"] = Field(
        default="all",
        description="along which codes begin: all alike, or as the training rows see them, by the "
        "root of their second moment",
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
    initial_std: Size = Field(
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
    attention: Literal["linear", "softmax"] = Field(
        default="linear",
        description="of the layers before the read-out: K̃ᵀQ̃, or its softmax over the keys",
    )
    values: Literal["identity", "learned"] = Field(
        default="identity", description="W_V of each head; learned: from I"
    )
    feed_forward: PositiveInt | None = Field(
        default=None, description="width of a token-wise part after each attention; null: none"
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
    initial_gain: SizeOrZero = Field(default=0.4, description="of every LayerNorm")
    initial_bias_std: SizeOrZero = Field(
        default=1.5,
        description="of every LayerNorm's bias; 0 where it starts as a solver",
    )
    initial_readout: Size = Field(
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

    @model_validator(mode="after")
    def _starts_as_what_it_can_be(self) -> "TransformerSpec":
        if self.attention == "softmax" and (self.codes or self.start):
            raise ValueError(
                "attention = 'softmax' cannot begin as the solver that codes and start write, "
                "whose products are those of linear attention: set codes and start to null, "
                "or attention to 'linear'"
            )
        if self.layers == 1 and not self.has_gram_form:
            raise ValueError(
                "layers = 1 is the read-out alone, which attention, values and feed_forward leave "
                "as it is; raise layers, or leave these out"
            )
        return self

    @property
    def has_gram_form(self) -> bool:
        """Whether a layer is E Ẽᵀ M Ẽ and nothing more, whose products EEᵀ and E1 hold."""
        return (self.attention, self.values, self.feed_forward) == ("linear", "identity", None)

    def rows(self, context_length: int) -> int:
        """R, the rows of E: a context's own and those of codes beside them."""
        beside = self.codes is not None and self.codes.rows == "blank"
        return context_length + (self.code_rows(context_length) if beside else 0)

    def code_rows(self, context_length: int) -> int:
        """c, the rows of the codes."""
        return math.ceil(self.codes.share * context_length) if self.codes else 0

    def products(self, context_length: int, dimension: int) -> float:
        """By the cheaper of (E K̃ᵀ) Q̃, its projections included, and (E Ẽᵀ) M Ẽ if that is all."""
        rows, tokens = self.rows(context_length), dimension + 1
        width = self.key_dimension or rows
        layer = 8 * self.heads * width * rows * tokens
        if self.has_gram_form:
            layer = min(layer, 4 * rows * rows * tokens + 2 * rows**3)
        if self.attention == "softmax":
            layer = 2 * self.heads * tokens * (2 * width * rows + (width + rows) * tokens)
        if self.values == "learned":
            layer += 2 * self.heads * rows**2 * tokens
        layer += 4 * (self.feed_forward or 0) * rows * tokens
        return (self.layers - 1) * layer  # the read-out is but vectors
