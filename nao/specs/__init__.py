"""Specifications: what a problem, a data set, a model and a training are, checked and frozen.

Each names itself by its content. The sources of the values are in `config.yaml`. A learned model's
stands in a file of its own, named as the model's in `nao.models`, and in the union of
`nao.specs.runs`; there is no torch here, so that planning is quick.
"""

from nao.specs.base import Spec
from nao.specs.mixture_of_ridges import MixtureOfRidgesSpec
from nao.specs.row_token_transformer import RowTokenTransformerSpec
from nao.specs.runs import ModelSpec, RunSpec
from nao.specs.tasks import DatasetSpec, ProblemSpec
from nao.specs.training import TrainingSpec
from nao.specs.transformer import CodeSpec, LeapfrogSpec, TransformerSpec
from nao.specs.unrolled_gradient import UnrolledGradientSpec

__all__ = [
    "CodeSpec",
    "DatasetSpec",
    "LeapfrogSpec",
    "MixtureOfRidgesSpec",
    "ModelSpec",
    "ProblemSpec",
    "RowTokenTransformerSpec",
    "RunSpec",
    "Spec",
    "TrainingSpec",
    "TransformerSpec",
    "UnrolledGradientSpec",
]
