"""Row-token transformer (ours): a linear transformer whose tokens are the rows of a context.

A token is z_i = (x_i, y_i − x_iᵀw_0), a column of Z ∈ R^{D×n}, D = d + 1; w_0 is learned.

    Z ← Z + P_l Z (Zᵀ Q_l Z)/n = T_l Z,   T_l = I + P_l G_l Q_l,   G_l = Z Zᵀ/n,   l = 1 … L

Tokens (e_j, −w_0j), one a coordinate, attend to these without being attended to, and are read
through a learned u ∈ R^D: ŵ_j = uᵀ T_L … T_1 (e_j, −w_0j), which is evaluated from its left.

It contains the unrolled preconditioned gradient: at P_l = e_D e_Dᵀ, Q_l = −(A_lᵀ, 0; 0, 0) and
u = −e_D, the last entry of a row's token is y_i − x_iᵀw, that of a coordinate's is −w_j, and each
layer is w ← w + A_l Xᵀ(Y − Xw)/n from w_0. Other weights also change the x_i, and use YᵀY: in
general it is not linear in Y. It sees Z Zᵀ alone, so the order of rows cannot matter to it.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from nao.models.stack import Stack, Tokens
from nao.specs import RowTokenTransformerSpec


class RowTokenTransformer(Stack):
    """S members; projections P and mixings Q (S, L, D, D), start w_0 (S, d), read-out u (S, D)."""

    row_invariant = True
    projections: nn.Parameter
    mixings: nn.Parameter
    start: nn.Parameter
    readout: nn.Parameter

    def __init__(
        self, spec: RowTokenTransformerSpec, context_length: int, dimension: int, members: int = 1
    ):
        super().__init__()
        self.spec, self.context_length, self.dimension = spec, context_length, dimension
        square = (spec.layers, dimension + 1, dimension + 1)
        self.allocate(
            members,
            projections=square,
            mixings=square,
            start=(dimension,),
            readout=(dimension + 1,),
        )

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Plain gradient descent from 0: nothing is drawn."""
        d, layers = self.dimension, self.spec.layers
        projection, mixing = np.zeros((2, d + 1, d + 1))
        projection[d, d] = 1
        mixing[:d, :d] = -self.spec.initial_step * np.eye(d)
        return {
            "projections": np.broadcast_to(projection, (layers, d + 1, d + 1)),
            "mixings": np.broadcast_to(mixing, (layers, d + 1, d + 1)),
            "start": np.zeros(d),
            "readout": -np.eye(d + 1)[d],
        }

    def forward(self, tokens: Tokens) -> Float[Tensor, "S B d"]:
        """ŵ of every member for its contexts."""
        x, y = tokens[..., :-1], tokens[..., -1:]
        rows = torch.cat([x, y - x @ self.start[:, None, :, None]], -1)  # Zᵀ
        states = [rows]
        for layer in range(self.spec.layers - 1):
            mixed = self._mapped(rows, self.mixings[:, layer])
            moved = (mixed @ rows.mT) @ rows / self.context_length
            rows = rows + self._mapped(moved, self.projections[:, layer])
            states.append(rows)
        u = self.readout[:, None, None].expand(-1, tokens.shape[1], 1, -1)
        for layer, rows in reversed(list(enumerate(states))):
            seen = self._mapped(u, self.projections[:, layer].mT) @ rows.mT
            moved = seen @ rows / self.context_length
            u = u + self._mapped(moved, self.mixings[:, layer].mT)
        u = u.squeeze(2)
        return u[..., :-1] - u[..., -1:] * self.start[:, None]

    @staticmethod
    def _mapped(rows: Float[Tensor, "S B k D"], matrix: Float[Tensor, "S D D"]) -> Tensor:
        """Each row's image M z, as one large product a member."""
        return (rows.flatten(1, 2) @ matrix.mT).view_as(rows)
