"""Specification of a run: a data set, a model of any kind and a training."""

import math
from typing import Annotated

from pydantic import Field, model_validator

from nao.specs.base import LEAST, Spec
from nao.specs.mixture_of_ridges import MixtureOfRidgesSpec
from nao.specs.row_token_transformer import RowTokenTransformerSpec
from nao.specs.tasks import DatasetSpec
from nao.specs.training import LEVELLED, TrainingSpec
from nao.specs.transformer import TransformerSpec
from nao.specs.unrolled_gradient import UnrolledGradientSpec

ModelSpec = Annotated[
    TransformerSpec | UnrolledGradientSpec | RowTokenTransformerSpec | MixtureOfRidgesSpec,
    Field(discriminator="kind"),
]


class RunSpec(Spec):
    """One training run: all replicates of one data set, model and recipe, trained as one stack."""

    learner: str = Field(
        default="nao", pattern=r"^[a-z][a-z0-9_]*$", description="its name in every table"
    )
    dataset: DatasetSpec
    model: ModelSpec
    training: TrainingSpec

    @model_validator(mode="after")
    def _entries_learn_at_rates_of_their_own(self) -> "RunSpec":
        if self.training.optimizer == "schedule_free" and getattr(self.model, "start", None):
            raise ValueError(
                "optimizer = 'schedule_free' gives all entries of a weight one rate, and a model "
                "with start needs several; choose another optimizer, or set start to null"
            )
        return self

    @model_validator(mode="after")
    def _solver_has_rows(self) -> "RunSpec":
        """Rows of a context without codes, from which a solver gathers."""
        length, codes = self.dataset.context_length, getattr(self.model, "codes", None)
        shares = {"start": getattr(self.model, "start", None)}
        shares |= {"codes": codes} if codes and codes.rows == "data" else {}
        for key, drawn in shares.items():
            if drawn and math.ceil(drawn.share * length) == length:
                raise ValueError(
                    f"model.{key}.share = {drawn.share:g} of dataset.context_length = {length} "
                    "rows leaves no row without a code; lower the share, or lengthen contexts"
                )
        return self

    @model_validator(mode="after")
    def _clusters_have_contexts(self) -> "RunSpec":
        """One for each cluster, and more rows than weights, whose pooled fit they begin with."""
        model, data = self.model, self.dataset
        if not (isinstance(model, MixtureOfRidgesSpec) and model.clustered_contexts):
            return self
        d, n = data.problem.dimension, data.context_length
        given = min(model.clustered_contexts, data.train_contexts)
        if given < (needed := max(model.experts, d // n + 1)):
            raise ValueError(
                f"{given} training contexts of {n} rows are to be clustered for model.experts = "
                f"{model.experts} in {d} dimensions, which takes {needed}; lower experts, raise "
                "model.clustered_contexts and dataset.train_contexts, or set clustered_contexts "
                "to null"
            )
        return self

    @model_validator(mode="after")
    def _symmetry_is_exact(self) -> "RunSpec":
        problem, chosen = self.dataset.problem, self.training.row_symmetry
        if chosen not in problem.row_symmetries:
            raise ValueError(
                f"training.row_symmetry = {chosen!r} changes the law of contexts with "
                f"{problem.design.kind} rows and {problem.noise.law} noise; "
                f"choose among {', '.join(problem.row_symmetries)}"
            )
        return self

    @model_validator(mode="after")
    def _noise_has_a_logarithm(self) -> "RunSpec":
        std = self.dataset.problem.noise.std
        if std is not None and std < LEAST:
            raise ValueError(
                f"dataset.problem.noise.std = {std:g} has no place on the axes of errors, which "
                f"are logarithmic, and no error to be held against; give a std from {LEAST:g} on"
            )
        return self

    @model_validator(mode="after")
    def _noise_level_is_told(self) -> "RunSpec":
        """σ̂ is that of residuals, of which w_0 and one direction of Σ_w take up 2d at least."""
        data, objective = self.dataset, self.training.objective
        residuals = data.train_contexts * (data.context_length - 1)
        taken = 2 * data.problem.dimension
        if objective in LEVELLED and residuals <= taken:
            raise ValueError(
                f"training.objective = {objective!r} needs the noise level, and "
                f"dataset.train_contexts = {data.train_contexts} of context_length = "
                f"{data.context_length} leave n_s (n - 1) = {residuals} residuals to tell it by, "
                f"where more than 2 d = {taken} are needed; raise train_contexts or "
                "context_length, or choose another objective"
            )
        return self

    @property
    def identity(self) -> str:
        """Readable name, unique by content."""
        dataset = self.dataset.identity.rsplit("-", 1)[0]
        return "-".join([dataset, self.model.kind, self.learner, self.fingerprint()])
