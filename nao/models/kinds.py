"""Every learned estimator by its name in a specification."""

from nao.models.stack import Stack
from nao.models.transformer import Transformer
from nao.models.unrolled_gradient import UnrolledGradient

MODELS: dict[str, type[Stack]] = {
    "transformer": Transformer,
    "unrolled_gradient": UnrolledGradient,
}
