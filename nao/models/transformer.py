"""The nonlocal attention operator: a linear transformer whose tokens are columns (slides, § 2).

    Attn(E)  = E (W_K E + b_K 1ᵀ)ᵀ (W_Q E + b_Q 1ᵀ)
    E^{l+1}  = E^l + LayerNorm(Σ_heads Attn(E^l)),   E^0 = (X, Y) ∈ R^{n×(d+1)}
    w_θ(X,Y) = first d entries of (W_K E + b_K 1ᵀ)ᵀ (W_Q E + b_Q 1ᵀ) W_P at the last E

A tilde appends a row of ones, Ẽ = (E; 1ᵀ), which makes a bias the last column of its weight,
W̃ = (W | b). Then Σ_heads Attn(E) = E Ẽᵀ M Ẽ with M = Σ_heads W̃_Kᵀ W̃_Q.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nao.models.gram_layers import gram_layers
from nao.models.stack import Stack, Tokens, haar_orthogonal
from nao.specs import TransformerSpec

# ASSUME: W_V = I throughout, which the digest of the paper reports as its default.


class Transformer(Stack):
    """S members of shape (n, d); keys and queries (S, L, H, d_k, n + 1), norms (S, L − 1, n, D)."""

    norm_parameters = frozenset({"gain", "bias"})
    keys: nn.Parameter
    queries: nn.Parameter
    readout: nn.Parameter
    gain: nn.Parameter
    bias: nn.Parameter

    def __init__(
        self, spec: TransformerSpec, context_length: int, dimension: int, members: int = 1
    ):
        super().__init__()
        n, tokens, width = context_length, dimension + 1, spec.key_dimension or context_length
        self.spec, self.shape = spec, (n, tokens)
        projection = (spec.layers, spec.heads, width, n + 1)
        self.allocate(members, keys=projection, queries=projection, readout=(tokens,))
        if spec.norm != "none":
            norms = (spec.layers - 1, n, tokens)
            self.allocate(members, gain=norms, bias=norms)
        self.by_gram = gram_is_cheaper(n, tokens, spec.heads * width)
        # ASSUME: the sources scale neither sum; 1/√d_k as in the authors' code, and the mean over
        # tokens (in the read-out: over rows) keeps both of order one.
        self.attention_scale = 1 / (tokens * math.sqrt(width))
        self.readout_scale = 1 / (n * math.sqrt(width))

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """W_K = W_Q with orthonormal rows or columns, b_K = b_Q = 0, W_P the token of Y."""
        spec, (n, tokens) = self.spec, self.shape
        layers, heads, width, _ = self.keys.shape[1:]
        square = haar_orthogonal(rng, layers * heads, max(n, width))[:, :width, :n]
        keys = np.zeros((layers, heads, width, n + 1))
        keys[..., :n] = square.reshape(layers, heads, width, n)
        queries = keys.copy()
        keys[-1] *= spec.initial_readout
        values = {"keys": keys, "queries": queries, "readout": np.eye(tokens)[-1]}
        if spec.norm != "none":
            values["bias"] = self.draw_biases(rng)
            values["gain"] = np.full((layers - 1, n, tokens), spec.initial_gain)
        return values

    def draw_biases(self, rng: np.random.Generator) -> np.ndarray:
        """Normal entries on the first rows, which tell the coordinates apart.

        Without them the map is equivariant under permutations of the coordinates and can hold
        neither w_0 nor U. The first bias, B, serves all later layers: (X + B)(X + B)ᵀ holds X Bᵀ,
        by which X w_0 and X U are read once B has learned them, and the larger B, the fainter
        beside it is what has no B. Rows without a bias keep their data legible.
        """
        spec, (n, tokens) = self.spec, self.shape
        biases = spec.initial_bias_std * rng.standard_normal((spec.layers - 1, n, tokens))
        if spec.initial_code_std is not None and spec.layers > 1:
            biases[0] = spec.initial_code_std * rng.standard_normal((n, tokens))
        biases[:, math.ceil(spec.initial_bias_share * n) :] = 0
        return biases

    def forward(self, tokens: Tokens) -> Float[Tensor, "S B d"]:
        """ŵ of every member for its contexts."""
        keys, queries = self.keys.flatten(2, 3), self.queries.flatten(2, 3)
        mixing, last = (keys.mT @ queries).split([self.spec.layers - 1, 1], 1)
        if self.by_gram and self.spec.norm == "matrix":
            tokens = gram_layers(tokens, self.attention_scale * mixing, self.gain, self.bias)
        else:
            for layer in range(self.spec.layers - 1):
                tokens = self.add_normalised(tokens, self.attend(tokens, layer), layer)
        return inverse_attention(tokens, self.readout_scale * last[:, 0], self.readout)

    def attend(self, tokens: Tokens, layer: int) -> Tokens:
        """Σ_heads Attn(E)."""
        keys, queries = self.keys[:, layer].flatten(1, 2), self.queries[:, layer].flatten(1, 2)
        if self.by_gram:
            return gram_attention(tokens, self.attention_scale * (keys.mT @ queries))
        return self.attention_scale * key_query_attention(tokens, keys, queries)

    def add_normalised(self, tokens: Tokens, update: Tokens, layer: int) -> Tokens:
        """E + LayerNorm(ΔE)."""
        if self.spec.norm == "none":
            return tokens + update
        shape = self.shape if self.spec.norm == "matrix" else self.shape[1:]
        normal = functional.layer_norm(update, shape)
        return torch.addcmul(tokens + self.bias[:, layer, None], self.gain[:, layer, None], normal)


def gram_is_cheaper(rows: int, tokens: int, width: int) -> bool:
    """Whether training needs fewer flops by (E Ẽᵀ) M Ẽ than by (E K̃ᵀ) Q̃ with H·d_k = width.

    For one context and layer, forward and backward: 10 n² D + 6 n³ (`nao.models.gram_layers`)
    against 24 n·width·D, four products that have two cotangents each.
    """
    return 10 * rows**2 * tokens + 6 * rows**3 <= 24 * rows * width * tokens


def gram_attention(tokens: Tokens, mixing: Float[Tensor, "S n1 n1"]) -> Tokens:
    """E Ẽᵀ M Ẽ through the (n, n + 1) matrix E Ẽᵀ = (E Eᵀ, E 1); cost linear in D."""
    gram = torch.cat([tokens @ tokens.mT, tokens.sum(-1, keepdim=True)], -1)
    mixed = (gram.flatten(1, 2) @ mixing).view_as(gram)  # one large product a member
    return mixed[..., :-1] @ tokens + mixed[..., -1:]


def key_query_attention(
    tokens: Tokens, keys: Float[Tensor, "S k n1"], queries: Float[Tensor, "S k n1"]
) -> Tokens:
    """E K̃ᵀ Q̃ with K̃ = W̃_K Ẽ and Q̃ = W̃_Q Ẽ, in the order that forms no (D, D) matrix."""
    projected_keys = keys[:, None, :, :-1] @ tokens + keys[:, None, :, -1:]
    projected_queries = queries[:, None, :, :-1] @ tokens + queries[:, None, :, -1:]
    return (tokens @ projected_keys.mT) @ projected_queries


def inverse_attention(
    tokens: Tokens, mixing: Float[Tensor, "S n1 n1"], readout: Float[Tensor, "S D"]
) -> Float[Tensor, "S B d"]:
    """The first d entries of Ẽᵀ M Ẽ W_P."""
    members, contexts, n, _ = tokens.shape
    # Products with one vector per context would be as many tiny calls: pool all rows of a member
    # at once, and sum over rows last.
    pooled = (tokens.flatten(1, 2) @ readout[..., None]).view(members, contexts, n)  # E W_P
    ones = readout.sum(-1)[:, None, None].expand(members, contexts, 1)
    weights = torch.cat([pooled, ones], -1) @ mixing.mT
    estimate = (weights[..., :-1, None] * tokens).sum(2) + weights[..., -1:]
    return estimate[..., :-1]
