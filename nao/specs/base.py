"""What every specification is: a frozen set of values, checked, and named by its content."""

import hashlib
import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LEAST, MOST = 1e-12, 1e12
"""Of a size: its cube, which some weights at the start are made of, is a normal float32."""

Size = Annotated[float, Field(ge=LEAST, le=MOST)]
SizeOrZero = Annotated[float, Field(ge=0, le=MOST)]


class Spec(BaseModel):
    """A frozen set of finite values, each of its very type; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def fingerprint(self) -> str:
        """Eight hexadecimal digits of the SHA-256 of the canonical JSON of all values."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:8]


class LearnedSpec(Spec):
    """What the specification of every learned model tells beside its values: what it costs."""

    def rows(self, context_length: int) -> int:
        """Rows of the matrix (X, Y) as the model holds it."""
        return context_length

    def products(self, context_length: int, dimension: int) -> float:
        """Flops of all matrix products by which one member maps one context to its estimate."""
        raise NotImplementedError
