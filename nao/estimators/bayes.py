"""The exact posterior mean under the true laws, linear in Y or not: the floor of every figure."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.estimators.estimator import NotComputable
from nao.tasks.mixtures import Posterior
from nao.tasks.problems import Contexts, Problem


@dataclass(frozen=True, eq=False)
class Bayes:
    """ŵ = E[w | X, Y] under the laws of a problem."""

    truth: Problem

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """Raises `NotComputable` where the posterior mean has no form that can be computed."""
        return self._posterior(test).mean

    def variance(self, test: Contexts) -> Float[np.ndarray, " batch"]:
        """tr Cov(w | X, Y)."""
        return self._posterior(test).variance

    def _posterior(self, test: Contexts) -> Posterior:
        posterior = self.truth.posterior(test.x, test.y)
        if posterior is None:
            raise NotComputable(
                f"the posterior mean under this prior and {self.truth.noise.law} noise of σ_ε = "
                f"{self.truth.noise_std:g} has no form that can be computed; oracle_ridge is the "
                "best estimator linear in Y"
            )
        return posterior
