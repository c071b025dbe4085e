"""What training minimises, one value a member. Only `supervised` sees w."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from nao.models.stack import Tokens

Estimates = Float[Tensor, "S B d"]
Losses = Float[Tensor, " S"]


def residual(rows: Tokens, estimates: Estimates) -> Losses:
    """mean ‖X ŵ − Y‖² over contexts and rows, of the rows (X, Y) given.

    On the context's own rows this is the paper's loss (slides, § 2); it does not single out the
    posterior mean, since X⁺Y makes it 0. On rows outside the context its population minimiser is
    the posterior mean wherever Σ_x ≻ 0.
    """
    # Written out, for a product with one vector a context would be as many tiny calls.
    predicted = (rows[..., :-1] * estimates[:, :, None]).sum(-1)
    return (predicted - rows[..., -1]).square().mean((1, 2))


def distance(truth: Estimates, estimates: Estimates) -> Losses:
    """mean ‖ŵ − w‖²: an upper reference, for it sees what an inverse problem hides."""
    return (estimates - truth).square().sum(-1).mean(1)


OBJECTIVES: dict[str, tuple[Callable[[Tensor, Estimates], Losses], str]] = {
    "misfit": (residual, "context"),
    "heldout": (residual, "heldout"),
    "supervised": (distance, "truth"),
}
"""Name → the loss, and what it is measured against."""
