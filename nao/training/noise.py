"""The noise level of the training contexts, from their rows (X, Y) alone."""

import numpy as np

from nao.estimators.empirical_bayes import fit_mixed_model
from nao.tasks.problems import Contexts

CONTEXTS = 2000
"""Contexts looked at: σ̂ errs by a share of 1 / sqrt(2 · CONTEXTS · (n − r_w)), 0.016 at most."""


def noise_std(training: Contexts) -> float:
    """σ̂, by maximum likelihood of Y = X(w_0 + A z) + ε, z ~ N(0, I_r), ε ~ N(0, σ² I).

    In units of Y. Each context leaves n − r residuals that no w explains; w_0, A and its rank are
    shared by all and found with σ. Raises `NotComputable` where contexts are too few, which no
    `RunSpec` accepts, or d too large for EM.
    """
    seen = Contexts(training.x[:CONTEXTS], training.y[:CONTEXTS])
    return float(np.sqrt(fit_mixed_model(seen).noise_variance))
