"""Every learned estimator by its name in a specification."""

from nao.models.mixture_of_ridges import MixtureOfRidges
from nao.models.row_token_transformer import RowTokenTransformer
from nao.models.stack import Stack
from nao.models.transformer import Transformer
from nao.models.unrolled_gradient import UnrolledGradient

MODELS: dict[str, type[Stack]] = {
    "transformer": Transformer,
    "mixture_of_ridges": MixtureOfRidges,
    "unrolled_gradient": UnrolledGradient,
    "row_token_transformer": RowTokenTransformer,
}
