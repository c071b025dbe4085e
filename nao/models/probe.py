"""What a transformer would say if it were read out after each of its layers, and what it holds."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nao.models.transformer import Transformer, inverse_attention
from nao.models.weights import EVALUATION_BATCH
from nao.tasks.problems import Contexts


@dataclass(frozen=True, eq=False)
class Probed:
    """The states E^0, …, E^{L−1} of S members on B contexts.

    `estimates` is the model's own read-out of each; the last is its ŵ. `shares` tells how much of
    the squares of the contexts' rows in each, but for their entry of Y, lies in the span asked for.
    """

    estimates: Float[np.ndarray, "S L B d"]
    shares: Float[np.ndarray, "S L"]


@torch.no_grad()
def probe(model: Transformer, contexts: Contexts, span: Float[np.ndarray, "d k"]) -> Probed:
    """Every state of the model on these contexts, seen through an orthonormal basis `span`."""
    keys, queries = (factor[:, -1].flatten(1, 2) for factor in (model.keys, model.queries))
    mixing = model.readout_scale * (keys.mT @ queries)
    basis = torch.from_numpy(span).to(mixing)
    rows = np.concatenate([contexts.x, contexts.y[..., None]], -1)
    estimates, inside, whole = [], torch.zeros(0), torch.zeros(0)
    for part in torch.from_numpy(rows).to(mixing).split(EVALUATION_BATCH):
        states = _states(model, part.expand(len(mixing), *part.shape))
        read = [inverse_attention(tokens, mixing, model.readout) for tokens in states]
        estimates.append(torch.stack(read, 1))
        data = [tokens[:, :, -contexts.x.shape[1] :, :-1] for tokens in states]
        squares = torch.stack([(x @ basis).square().sum((1, 2, 3)) for x in data], 1)
        totals = torch.stack([x.square().sum((1, 2, 3)) for x in data], 1)
        inside, whole = (
            (squares, totals) if len(estimates) == 1 else (inside + squares, whole + totals)
        )
    return Probed(torch.cat(estimates, 2).cpu().numpy(), (inside / whole).cpu().numpy())


def codes_of(model: Transformer) -> Float[np.ndarray, "S c d"] | None:
    """What tells columns apart: the codes, or the first LayerNorm's bias where it draws them."""
    if model.spec.codes:
        codes = model.codes
    elif model.spec.start:
        codes = model.bias[:, 0, : model.start_rows]
    else:
        return None
    return codes[..., :-1].detach().cpu().numpy()


def _states(model: Transformer, tokens: Tensor) -> list[Tensor]:
    states = [model.with_codes(tokens)]
    for layer in range(model.spec.layers - 1):
        states.append(model.through(states[-1], layer))
    return states
