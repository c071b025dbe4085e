"""Learned estimators: modules that map a batch of contexts to estimates of w.

Every parameter has a leading axis of members (replicates), which are trained as one stack and never
mix. A new model is a spec in `nao.specs`, a file here and a row in `MODELS`.
"""

from nao.models.stack import Stack
from nao.models.transformer import Transformer
from nao.models.unrolled_gradient import UnrolledGradient

MODELS: dict[str, type[Stack]] = {
    "transformer": Transformer,
    "unrolled_gradient": UnrolledGradient,
}

__all__ = ["MODELS", "Stack", "Transformer", "UnrolledGradient"]
