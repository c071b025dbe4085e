"""Attention layers by the Gram form, with their backward pass written out.

    U = E Ẽᵀ M Ẽ,   E ← E + bias + gain · LayerNorm(U)        (`nao.models.transformer`)

LayerNorm's statistics run over the whole matrix. With A = E Ẽᵀ, P = A M and a cotangent V of U, the
cotangents are

    dP = V Ẽᵀ,   dM = Aᵀ dP,   dA = dP Mᵀ,   dE = (dG + dGᵀ) E + ds 1ᵀ + P_Eᵀ V,

dA = (dG, ds) and P = (P_E, p) being split into n columns and one. G = E Eᵀ is symmetric, so one
product serves both of its factors where recorded operations take two; what remains is accumulated
in place, and gradients go straight to their layer.

Ẽ is what is stored: the row of ones makes sums and biases parts of the products. Below it lie rows
of zeros, up to a multiple of `ALIGNED` rows, with as many in M: libraries multiply matrices of such
sizes up to three times as fast.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nao.models.stack import Tokens

ALIGNED = 4
EPSILON = 1e-5  # as in nn.LayerNorm
_layer_norm_backward = torch.ops.aten.native_layer_norm_backward


class GramLayers(torch.autograd.Function):
    """All layers before the read-out; call `gram_layers`."""

    @staticmethod
    def forward(ctx: Any, tokens: Tokens, mixing: Tensor, gain: Tensor, bias: Tensor) -> Tokens:
        members, _, n, _ = tokens.shape
        layers, size = mixing.shape[1:3]
        ctx.save_for_backward(mixing, gain, bias)
        ctx.layers = []
        extended = _room(tokens, size)
        extended[:, :, :n] = tokens
        for layer in range(layers):
            flat = extended.flatten(0, 1)
            gram = flat[:, :n] @ flat.mT
            # Rows of all contexts of a member side by side, for one large product.
            mixed = (gram.view(members, -1, size) @ mixing[:, layer]).view_as(gram)
            update = (mixed @ flat).view_as(tokens)
            following = _room(tokens, n if layer == layers - 1 else size)
            places, statistics = (extended[:, :, :n], update, following[:, :, :n]), []
            # Member by member, for the fused kernel knows one gain and bias.
            for before, own, after, scale, shift in zip(
                *places, gain[:, layer], bias[:, layer], strict=True
            ):
                normal, *moments = torch.native_layer_norm(
                    own, gain.shape[2:], scale, shift, EPSILON
                )
                torch.add(before, normal, out=after)
                statistics.append(moments)
            if ctx.needs_input_grad[1]:
                ctx.layers.append((flat, gram, mixed, update, statistics))
            extended = following
        return extended[:, :, :n]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tokens) -> tuple[Tensor | None, ...]:
        mixing, gain, bias = ctx.saved_tensors
        (members, _, n, _), size = gradient.shape, mixing.shape[-1]
        d_mixing, d_gain, d_bias = (torch.empty_like(value) for value in (mixing, gain, bias))
        d_tokens = gradient.clone(memory_format=torch.contiguous_format)
        for layer in reversed(range(len(ctx.layers))):
            flat, gram, mixed, update, statistics = ctx.layers[layer]
            norms = zip(d_tokens, update, statistics, gain[:, layer], bias[:, layer], strict=True)
            parts = [
                _layer_norm_backward(
                    cotangent, own, gain.shape[2:], *moments, *affine, [True, True, True]
                )
                for cotangent, own, moments, *affine in norms
            ]
            d_update, d_gain[:, layer], d_bias[:, layer] = map(_stacked, zip(*parts, strict=True))
            d_update = d_update.flatten(0, 1)
            d_mixed = (d_update @ flat.mT).view(members, -1, size)
            d_mixing[:, layer] = gram.view_as(d_mixed).mT @ d_mixed
            if layer == 0 and not ctx.needs_input_grad[0]:
                return None, d_mixing, d_gain, d_bias
            d_gram = (d_mixed @ mixing[:, layer].mT).view_as(gram)
            d_gram[..., :n] += d_gram[..., :n].mT.clone()
            d_tokens.flatten(0, 1).baddbmm_(d_gram, flat).baddbmm_(mixed[..., :n].mT, d_update)
        return d_tokens, d_mixing, d_gain, d_bias


def gram_layers(
    tokens: Tokens,
    mixing: Float[Tensor, "S L n1 n1"],
    gain: Float[Tensor, "S L n D"],
    bias: Float[Tensor, "S L n D"],
) -> Tokens:
    """L layers."""
    padding = -mixing.shape[-1] % ALIGNED
    result = GramLayers.apply(tokens, functional.pad(mixing, [0, padding] * 2), gain, bias)
    assert isinstance(result, Tensor)
    return result


def _room(tokens: Tokens, rows: int) -> Float[Tensor, "S B rows D"]:
    """Room for tokens and, as far as `rows` goes, a row of ones and rows of zeros below them."""
    members, contexts, n, columns = tokens.shape
    room = tokens.new_empty(members, contexts, rows, columns)
    room[:, :, n : n + 1] = 1
    room[:, :, n + 1 :] = 0
    return room


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """The members' tensors as one; a single member's without a copy."""
    return torch.stack(list(parts)) if len(parts) > 1 else parts[0][None]
