"""What training minimises, one value a member. Only `supervised` sees w.

An objective says what a model is asked (contexts), what its answer is measured against, and by
which loss. The losses `r2r` and `sure` rest on the context's own rows, as the paper's does, and on
the noise level that `nao.training.noise` finds in the training contexts; their minimiser does not
fit the noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nao.models.stack import Tokens

Estimates = Float[Tensor, "S B d"]
Losses = Float[Tensor, " S"]

ALPHA = 0.5
"""Noise that `r2r` adds to Y, in units of σ: asked at σ√(1 + α²), measured at σ√(1 + 1/α²)."""


@dataclass(frozen=True)
class Batch:
    """What one step has of its contexts: their rows (X, Y) and what the objective may see besides.

    `noise` holds draws of N(0, σ̂²), independent of everything, one a row of the context.
    """

    context: Tokens
    heldout: Float[Tensor, "S B m D"] | None = None
    truth: Estimates | None = None
    noise: Float[Tensor, "S B n"] | None = None


def residual(rows: Tokens, estimates: Estimates) -> Losses:
    """mean ‖X ŵ − Y‖² over contexts and rows, of the rows (X, Y) given.

    On the context's own rows this is the paper's loss (slides, § 2); it does not single out the
    posterior mean, since X⁺Y makes it 0. On rows outside the context its population minimiser is
    the posterior mean wherever Σ_x ≻ 0.
    """
    return (_predicted(rows, estimates) - rows[..., -1]).square().mean((1, 2))


def distance(truth: Estimates, estimates: Estimates) -> Losses:
    """mean ‖ŵ − w‖²: an upper reference, for it sees what an inverse problem hides."""
    return (estimates - truth).square().sum(-1).mean(1)


def stein(rows: Float[Tensor, "S B n E"], estimates: Float[Tensor, "S 2*B d"]) -> Losses:
    """mean ‖X ŵ(Y) − Y‖² + 2 mean τ·X (ŵ(Y + τ) − ŵ(Y)), of rows (X, Y, τ) and both estimates.

    For τ ~ N(0, σ²) and ŵ affine in Y, the second term has the mean 2σ² div(X ŵ)/n of Stein's
    unbiased risk estimate (SURE), so that the whole has that of ‖X ŵ − X w‖²/n + σ². For another ŵ
    its divergence is that of ŵ averaged over the noise τ.
    """
    plain, shifted = estimates.chunk(2, 1)
    own, probe = rows[..., :-1], rows[..., -1]
    slope = probe * _predicted(own, shifted - plain)
    return residual(own, plain) + 2 * slope.mean((1, 2))


def _predicted(rows: Tokens, estimates: Estimates) -> Float[Tensor, "S B n"]:
    """X ŵ."""
    # Written out, for a product with one vector a context would be as many tiny calls.
    return (rows[..., :-1] * estimates[:, :, None]).sum(-1)


def _shifted(rows: Tokens, shift: Float[Tensor, "S B n"]) -> Tokens:
    """Rows (X, Y + shift)."""
    return torch.cat([rows[..., :-1], (rows[..., -1] + shift)[..., None]], -1)


def _misfit(batch: Batch) -> tuple[Tokens, Tensor]:
    return batch.context, batch.context


def _heldout(batch: Batch) -> tuple[Tokens, Tensor]:
    assert batch.heldout is not None
    return batch.context, batch.heldout


def _supervised(batch: Batch) -> tuple[Tokens, Tensor]:
    assert batch.truth is not None
    return batch.context, batch.truth


def _recorrupted(batch: Batch) -> tuple[Tokens, Tensor]:
    """Y + ατ and Y − τ/α: their noises are independent where Y's is Gaussian of variance σ².

    So the residual has the mean of ‖X ŵ(Y + ατ) − X w‖²/n + σ²(1 + 1/α²): Pang, Zheng, Quan and
    Ji, CVPR 2021 (recorrupted-to-recorrupted).
    """
    assert batch.noise is not None
    return (
        _shifted(batch.context, ALPHA * batch.noise),
        _shifted(batch.context, batch.noise / -ALPHA),
    )


def _probed(batch: Batch) -> tuple[Tokens, Tensor]:
    """Y and Y + τ."""
    assert batch.noise is not None
    asked = torch.cat([batch.context, _shifted(batch.context, batch.noise)], 1)
    return asked, torch.cat([batch.context, batch.noise[..., None]], -1)


@dataclass(frozen=True)
class Objective:
    """`ask` gives the contexts of which ŵ is asked, and what `loss` measures the answers against.

    `sees` names what it needs beside the contexts: "heldout", "truth" or "noise" of a `Batch`.
    """

    ask: Callable[[Batch], tuple[Tokens, Tensor]]
    loss: Callable[[Tensor, Estimates], Losses]
    sees: str | None = None


OBJECTIVES = {
    "misfit": Objective(_misfit, residual),
    "heldout": Objective(_heldout, residual, sees="heldout"),
    "supervised": Objective(_supervised, distance, sees="truth"),
    "r2r": Objective(_recorrupted, residual, sees="noise"),
    "sure": Objective(_probed, stein, sees="noise"),
}
