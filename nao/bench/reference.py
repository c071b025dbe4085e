"""What the training step is measured against: evaluations that one would write down first.

`StraightforwardNAO` follows the equations of the slides as they stand, a token a row: one Linear a
head for keys and for queries, the (d+1) × (d+1) attention matrix formed, nn.LayerNorm over the
whole matrix. `Encoder` is torch's own transformer on the same tokens.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

Columns = Float[Tensor, "B D n"]
"""Contexts with their tokens, the columns of (X, Y), as rows."""


class StraightforwardNAO(nn.Module):
    """L − 1 attention layers with H heads and the inverse read-out."""

    def __init__(
        self, context_length: int, dimension: int, layers: int, heads: int, key_dimension: int
    ):
        super().__init__()
        n, tokens = context_length, dimension + 1

        def projections() -> nn.ModuleList:
            return nn.ModuleList(
                nn.ModuleList(nn.Linear(n, key_dimension) for _ in range(heads))
                for _ in range(layers)
            )

        self.keys, self.queries = projections(), projections()
        self.norms = nn.ModuleList(nn.LayerNorm([tokens, n]) for _ in range(layers - 1))
        self.readout = nn.Parameter(torch.randn(tokens) / tokens)
        self.attention_scale = 1 / (tokens * math.sqrt(key_dimension))
        self.readout_scale = 1 / (n * math.sqrt(key_dimension))

    def forward(self, tokens: Columns) -> Float[Tensor, "B d"]:
        """ŵ of every context."""
        for layer, norm in enumerate(self.norms):
            update = self.attention_scale * self.scores(tokens, layer).mT @ tokens
            tokens = tokens + norm(update)
        scores = self.scores(tokens, len(self.norms))
        return self.readout_scale * (scores @ self.readout)[:, :-1]

    def scores(self, tokens: Columns, layer: int) -> Float[Tensor, "B D D"]:
        """Σ_heads (W_K E + b_K 1ᵀ)ᵀ (W_Q E + b_Q 1ᵀ)."""
        heads = zip(self.keys[layer], self.queries[layer], strict=True)  # pyright: ignore[reportArgumentType]
        return torch.stack([key(tokens) @ query(tokens).mT for key, query in heads]).sum(0)


class Encoder(nn.Module):
    """torch.nn.TransformerEncoder over the same tokens, of the same width and depth, with one head.

    Its feed-forward part, which NAO has not, is kept as narrow as the tokens (torch's default is
    2048); no dropout.
    """

    def __init__(self, context_length: int, layers: int):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            context_length, 1, dim_feedforward=context_length, dropout=0.0, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.readout = nn.Linear(context_length, 1)

    def forward(self, tokens: Columns) -> Float[Tensor, "B d"]:
        """ŵ of every context."""
        return self.readout(self.encoder(tokens))[:, :-1, 0]


def plain_step(model: nn.Module, rows: Float[Tensor, "B n D"]) -> Callable[[], Tensor]:
    """One training step by torch's own parts: mean ‖X ŵ − Y‖², clipping of the norm, Adam."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    tokens, x, y = rows.mT.contiguous(), rows[..., :-1], rows[..., -1]

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = ((x @ model(tokens).unsqueeze(-1)).squeeze(-1) - y).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    return step
