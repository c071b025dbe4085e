"""What all learned estimators share: a stack of members that are trained at once."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from nao.models.native import Kernel

Tokens = Float[Tensor, "S B n D"]
"""The matrices (X, Y) of S members and B contexts: n rows, D = d + 1 columns."""


class Stack(nn.Module):
    """S models of one shape. A subclass lists its parameters, all with S leading.

    `draw` gives one member's initial values from its own random stream, so that a member starts
    alike whatever it is stacked with, on any device.
    """

    norm_parameters: frozenset[str] = frozenset()
    """Names of the parameters that learn at the norms' own rate."""
    kernel: Kernel = "torch"
    """What evaluates it, where a model knows both."""
    row_invariant = False
    """Whether ŵ depends on neither the order nor the signs of a context's rows."""

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Initial values of one member, by parameter name, without the member axis."""
        raise NotImplementedError

    def rates(self, norm_rate: float) -> dict[str, float | Tensor]:
        """How fast each parameter learns, as a multiple of the learning rate.

        A tensor that broadcasts to the parameter where its entries differ.
        """
        names = (name for name, _ in self.named_parameters())
        return {name: norm_rate if name in self.norm_parameters else 1.0 for name in names}

    def forward(self, tokens: Tokens) -> Float[Tensor, "S B d"]:
        """ŵ of every member for its contexts."""
        raise NotImplementedError

    def variance(self, tokens: Tokens) -> Float[Tensor, "S B"] | None:
        """E[‖ŵ − w‖² | X, Y] by the model itself; None where it has no posterior."""
        return None

    def allocate(self, members: int, **shapes: tuple[int, ...]) -> None:
        """Register one zero parameter a name, each with the member axis in front."""
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(members, *shape)))

    def initialise(self, streams: Sequence[np.random.Generator]) -> None:
        """Set every member to its draw from its stream."""
        members = [self.draw(rng) for rng in streams]
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                values = np.stack([member[name] for member in members])
                parameter.copy_(torch.from_numpy(values))


def haar_orthogonal(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """`count` orthogonal matrices drawn uniformly; the signs of R's diagonal make QR unique."""
    q, r = np.linalg.qr(rng.standard_normal((count, size, size)))
    return q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[:, None, :]
