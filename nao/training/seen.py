"""Codes that begin where rows see them, for designs that leave directions of w in the dark.

A code's part along a direction in which all rows are nearly 0 changes no loss, so it stays as it
was drawn and adds to every estimate's error.
"""

import numpy as np
import torch
from jaxtyping import Float

from nao.models.transformer import Transformer
from nao.training.batches import Batches


@torch.no_grad()
def turn_codes_to_rows(model: Transformer, batches: Batches) -> None:
    """C ← C Σ̂_x^{1/2} / sqrt(tr Σ̂_x / d), with Σ̂_x = E[x xᵀ] over the rows of each member.

    Σ̂_x is that of all rows that the objective may see; w plays no part. Codes keep their mean
    square, by which the start sets its gains, and their entry in the column of Y.
    """
    rows = batches.table.view(batches.members, -1, batches.width)[..., :-1]
    for codes, x in zip(model.codes, rows.double().cpu().numpy(), strict=True):
        second = x.T @ x / len(x)
        if not 0 < np.trace(second) < np.inf:
            continue  # nothing is seen, or its loss will tell
        root = torch.from_numpy(_root(second / np.trace(second) * len(second)))
        codes[:, :-1] = (codes[:, :-1].double().cpu() @ root).to(codes)


def _root(matrix: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """S^{1/2} of a symmetric S ≥ 0."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T  # rounding may leave some below 0
