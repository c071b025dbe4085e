"""The nonlocal attention operator: a linear transformer whose tokens are columns (slides, § 2).

    Attn(E)  = E (W_K E + b_K 1ᵀ)ᵀ (W_Q E + b_Q 1ᵀ)
    E^{l+1}  = E^l + LayerNorm(Σ_heads Attn(E^l)),   E^0 = (X, Y) ∈ R^{n×(d+1)}
    w_θ(X,Y) = first d entries of (W_K E + b_K 1ᵀ)ᵀ (W_Q E + b_Q 1ᵀ) W_P     at the last E

A tilde appends a row of ones, Ẽ = (E; 1ᵀ), which makes a bias the last column of its weight,
W̃ = (W | b). Then Σ_heads Attn(E) = E Ẽᵀ M Ẽ with M = Σ_heads W̃_Kᵀ W̃_Q.

That is its default. `attention: softmax` takes, in the layers before the read-out, the softmax over
the keys of each column of (W_K E + b_K 1ᵀ)ᵀ (W_Q E + b_Q 1ᵀ); `values: learned` has W_V E in place
of the first E, a W_V for each head; and with `feed_forward` each layer ends with

    E ← E + W_2 GELU(W_1 E + b_1 1ᵀ) + b_2 1ᵀ

With a solver's start, the bias of the first LayerNorm begins as codes on the first c rows.

With codes, C ∈ R^{c×(d+1)}, E^0 = (C; (X, Y)) has c rows more, or (X, Y) has C added to its first c
rows, and LayerNorm's bias lives on the rows of the codes alone. Either is a transformer of the
first kind with one layer more and some weights held at 0: that of contexts with c blank rows, or of
the contexts themselves, whose first LayerNorm has gain 0 and bias C.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nao.models import gram_kernel
from nao.models.attention import (
    Form,
    evaluation,
    gram_attention,
    head_attention,
    inverse_attention,
    key_query_attention,
)
from nao.models.gram_layers import gram_layers
from nao.models.leapfrog import start_as_leapfrog
from nao.models.stack import Stack, Tokens, haar_orthogonal
from nao.specs import TransformerSpec

# ASSUME: W_V = I by default, which the digest of the paper reports as its own.


class Transformer(Stack):
    """S members of R rows: keys and queries (S, L, H, d_k, R + 1), gains (S, L − 1, R, D).

    Codes are (S, c, D) and biases (S, L − 1, c, D); without codes, R = c = n. W_V is
    (S, L − 1, H, R, R); `inner` (W_1 | b_1) is (S, L − 1, f, R + 1), `outer` (W_2 | b_2)
    (S, L − 1, R, f + 1).
    """

    norm_parameters = frozenset({"gain", "bias", "codes"})
    form: Form | None = None
    """How it is evaluated; None: the cheapest way."""
    keys: nn.Parameter
    queries: nn.Parameter
    readout: nn.Parameter
    gain: nn.Parameter
    bias: nn.Parameter
    codes: nn.Parameter
    values: nn.Parameter
    inner: nn.Parameter
    outer: nn.Parameter

    def __init__(
        self, spec: TransformerSpec, context_length: int, dimension: int, members: int = 1
    ):
        super().__init__()
        self.spec = spec
        self.context_rows = context_length
        rows, tokens = spec.rows(context_length), dimension + 1
        self.code_rows = spec.code_rows(context_length)
        self.start_rows = math.ceil(spec.start.share * rows) if spec.start else 0
        self.shape, width = (rows, tokens), spec.key_dimension or rows
        projection = (spec.layers, spec.heads, width, rows + 1)
        self.allocate(members, keys=projection, queries=projection, readout=(tokens,))
        if spec.norm != "none":
            biased = self.code_rows or rows
            self.allocate(
                members,
                gain=(spec.layers - 1, rows, tokens),
                bias=(spec.layers - 1, biased, tokens),
            )
        if spec.codes:
            self.allocate(members, codes=(self.code_rows, tokens))
        if spec.values == "learned":
            self.allocate(members, values=(spec.layers - 1, spec.heads, rows, rows))
        if between := spec.feed_forward:
            self.allocate(
                members,
                inner=(spec.layers - 1, between, rows + 1),
                outer=(spec.layers - 1, rows, between + 1),
            )
        # ASSUME: the sources scale neither sum; 1/√d_k as in the authors' code, and the mean over
        # tokens (in the read-out: over rows) keeps both of order one.
        self.attention_scale = 1 / (tokens * math.sqrt(width))
        self.readout_scale = 1 / (rows * math.sqrt(width))

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """W_K = W_Q with orthonormal rows or columns, b_K = b_Q = 0, W_P the token of Y.

        W_V = I, and W_2 = 0: what feeds forward changes nothing at first.
        """
        spec, (rows, tokens) = self.spec, self.shape
        layers, heads, width, _ = self.keys.shape[1:]
        square = haar_orthogonal(rng, layers * heads, max(rows, width))[:, :width, :rows]
        keys = np.zeros((layers, heads, width, rows + 1))
        keys[..., :rows] = square.reshape(layers, heads, width, rows)
        values = {"keys": keys, "queries": keys.copy(), "readout": np.eye(tokens)[-1]}
        values["gain"] = np.full((layers - 1, rows, tokens), spec.initial_gain)
        biases = (layers - 1, self.code_rows or rows, tokens)
        if spec.codes:
            values["bias"] = np.zeros(biases)
            values["codes"] = spec.codes.initial_std * rng.standard_normal(biases[1:])
            values["codes"][:, -1] = 0  # there v begins, at 0
            start_as_leapfrog(
                values, spec.codes.initial_std, spec.initial_readout, self.readout_scale
            )
        elif spec.start:
            values["bias"] = np.zeros(biases)
            written = values["bias"][0, : self.start_rows, :-1]
            written[:] = spec.start.initial_std * rng.standard_normal(written.shape)
            values["gain"][0] = 0  # the layer that writes them computes nothing else at first
            solver = {name: values[name][1:] for name in ("keys", "queries", "gain")}
            start_as_leapfrog(
                solver | {"codes": written},
                spec.start.initial_std,
                spec.initial_readout,
                self.readout_scale,
            )
        else:
            # Without them the map is equivariant under permutations of the coordinates and can
            # hold neither w_0 nor U.
            values["bias"] = spec.initial_bias_std * rng.standard_normal(biases)
            values["keys"][-1] *= spec.initial_readout
        values["values"] = np.broadcast_to(np.eye(rows), (layers - 1, heads, rows, rows))
        if between := spec.feed_forward:
            inner = rng.standard_normal((layers - 1, between, rows)) / math.sqrt(rows)
            values["inner"] = np.pad(inner, [(0, 0), (0, 0), (0, 1)])
            values["outer"] = np.zeros((layers - 1, rows, between + 1))
        return values

    def rates(self, norm_rate: float) -> dict[str, float | Tensor]:
        """As the stack's; what leaves the data alone in a solver's start learns no faster."""
        # Steps as large as codes need would cover the data, of size one, with noise.
        rates = super().rates(norm_rate)
        if self.spec.start:
            slow = torch.full_like(self.bias[:1, :, :, :1], norm_rate)
            slow[:, :, self.start_rows :] = 1
            rates["bias"] = slow
            rates["gain"] = torch.full_like(self.gain[:1, :, :1, :1], norm_rate)
            rates["gain"][:, 0] = 1
        return rates

    def forward(self, tokens: Tokens) -> Float[Tensor, "S B d"]:
        """ŵ of every member for its contexts."""
        form = evaluation(self, tokens)
        if form == "kernel":
            return gram_kernel.estimates(self, tokens)
        tokens = self.with_codes(tokens)
        if form == "layers":
            mixing = self.attention_scale * self.mixing(slice(-1))
            tokens = gram_layers(tokens, mixing, self.gain, self.padded(self.bias))
        else:
            for layer in range(self.spec.layers - 1):
                tokens = self.through(tokens, layer)
        return inverse_attention(tokens, self.readout_scale * self.mixing(-1), self.readout)

    def mixing(self, layers: int | slice) -> Tensor:
        """M of those layers."""
        return self.keys[:, layers].flatten(-3, -2).mT @ self.queries[:, layers].flatten(-3, -2)

    def with_codes(self, tokens: Float[Tensor, "S B n D"]) -> Float[Tensor, "S B R D"]:
        """E^0."""
        # ASSUME: in the sources LayerNorm alone tells columns apart. Weights at 0 keep it from
        # blurring the data rows, and rows of their own keep the codes from covering data.
        if not self.spec.codes:
            return tokens
        if self.spec.codes.rows == "data":
            return tokens + self.padded(self.codes)[:, None]
        codes = self.codes[:, None].expand(-1, tokens.shape[1], -1, -1)
        return torch.cat([codes, tokens], 2)

    def padded(self, values: Float[Tensor, "*any c D"]) -> Float[Tensor, "*any R D"]:
        """Values of the first rows, with zeros on the others."""
        return functional.pad(values, [0, 0, 0, self.shape[0] - values.shape[-2]])

    def through(self, tokens: Tokens, layer: int) -> Tokens:
        """E after that layer."""
        tokens = self.add_normalised(tokens, self.attend(tokens, layer), layer)
        if not self.spec.feed_forward:
            return tokens
        inner, outer = self.inner[:, None, layer], self.outer[:, None, layer]
        between = functional.gelu(inner[..., :-1] @ tokens + inner[..., -1:])
        return tokens + outer[..., :-1] @ between + outer[..., -1:]

    def attend(self, tokens: Tokens, layer: int) -> Tokens:
        """Σ_heads Attn(E)."""
        spec = self.spec
        if spec.attention == "softmax" or spec.values == "learned":
            # ASSUME: the read-out stays linear, for a softmax would bound every estimate by W_P.
            return head_attention(
                tokens,
                self.keys[:, layer],
                self.queries[:, layer] / math.sqrt(self.keys.shape[3]),
                self.values[:, layer] if spec.values == "learned" else None,
                softmax=spec.attention == "softmax",
            )
        if evaluation(self, tokens) != "keys":
            return gram_attention(tokens, self.attention_scale * self.mixing(layer))
        keys, queries = self.keys[:, layer].flatten(1, 2), self.queries[:, layer].flatten(1, 2)
        return self.attention_scale * key_query_attention(tokens, keys, queries)

    def add_normalised(self, tokens: Tokens, update: Tokens, layer: int) -> Tokens:
        """E + LayerNorm(ΔE)."""
        if self.spec.norm == "none":
            return tokens + update
        shape = self.shape if self.spec.norm == "matrix" else self.shape[1:]
        normal = functional.layer_norm(update, shape)
        bias = self.padded(self.bias[:, layer])
        return torch.addcmul(tokens + bias[:, None], self.gain[:, layer, None], normal)
