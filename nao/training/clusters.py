"""A start for a mixture of ridges: its experts at clusters of crude estimates, never seeing w.

One Gaussian for the prior, found by EM on the rows that the objective may see, gives each context a
linear estimate of its w. These are clustered by k-means; an expert begins at the mean of a cluster,
along its leading principal axes, and what they share at a multiple of the Gaussian's covariance.
"""

import numpy as np
import torch

from nao.estimators.gaussian_em import fit_gaussian
from nao.estimators.mixture_em import clustered
from nao.models.mixture_of_ridges import MixtureOfRidges
from nao.seeding import stream
from nao.tasks.problems import Contexts
from nao.training.batches import Batches

ITERATIONS = 15  # of EM: estimates are to be told apart, not to be good


@torch.no_grad()
def begin_at_clusters(model: MixtureOfRidges, batches: Batches) -> None:
    """Set means, loadings and background of every member, from its own training contexts alone.

    What they begin at depends on the rows of the member's first `clustered_contexts` contexts and,
    through k-means, on its replicate and the seed of the training.
    """
    spec = model.spec
    pools = batches.table.view(batches.members, batches.count, batches.length, batches.width)
    for member, replicate in enumerate(batches.replicates):
        rows = pools[member, : spec.clustered_contexts].double().cpu().numpy()
        if not np.isfinite(rows).all():
            continue  # its loss will tell
        contexts = Contexts(rows[..., :-1], rows[..., -1])
        gaussian = fit_gaussian(contexts, ITERATIONS)
        seed = int(stream(batches.spec.seed, "clusters", replicate).integers(2**31))
        start = clustered(
            gaussian.estimate(contexts), spec.experts, spec.rank, gaussian.noise_variance, seed
        ).mixture
        values = {"means": start.means, "loadings": start.loadings}
        if spec.initial_background:
            values["background"] = spec.initial_background * gaussian.loading
        for name, value in values.items():
            getattr(model, name)[member] = torch.from_numpy(np.ascontiguousarray(value))
