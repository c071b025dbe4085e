"""Attention layers by the Gram form, with their backward pass written out.

    U = E Ẽᵀ M Ẽ,   E ← E + bias + gain · LayerNorm(U)        (`nao.models.transformer`)

With A = E Ẽᵀ, P = A M and a cotangent V of U, split as A = (G, s), P = (P_E, p) into n columns and
one, the cotangents are

    dP = V Ẽᵀ,   dM = Aᵀ dP,   (dG, ds) = dP Mᵀ,   dE = (dG + dGᵀ) E + ds 1ᵀ + P_Eᵀ V.

G = E Eᵀ is symmetric, so one product serves both of its factors where recorded operations take two;
what remains is accumulated in place, and gradients go straight to their layer.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from nao.models.stack import Tokens

EPSILON = 1e-5  # as in nn.LayerNorm
_layer_norm_backward = torch.ops.aten.native_layer_norm_backward


class GramLayers(torch.autograd.Function):
    """All layers before the read-out; call `gram_layers`."""

    @staticmethod
    def forward(
        ctx: Any, tokens: Tokens, mixing: Tensor, gain: Tensor, bias: Tensor, norm_shape: list[int]
    ) -> Tokens:
        members, _, n, _ = tokens.shape
        ctx.save_for_backward(mixing, gain)
        ctx.norm_shape, ctx.layers = norm_shape, []
        layers = zip(mixing.unbind(1), gain.unbind(1), bias.unbind(1), strict=True)
        for layer_mixing, layer_gain, layer_bias in layers:
            flat = tokens.flatten(0, 1)
            # A: rows of all contexts of a member side by side, for one large product each
            gram = _beside(flat @ flat.mT, flat.sum(-1, keepdim=True), members)
            mixed = (gram @ layer_mixing[..., :n]).view(-1, n, n)
            shift = (gram @ layer_mixing[..., n:]).view(-1, n, 1)
            update = torch.baddbmm(shift, mixed, flat).view_as(tokens)
            normal, mean, deviation = torch.native_layer_norm(
                update, norm_shape, None, None, EPSILON
            )
            if ctx.needs_input_grad[1]:
                ctx.layers.append((flat, gram, mixed, update, normal, mean, deviation))
            tokens = (tokens + layer_bias[:, None]).addcmul_(layer_gain[:, None], normal)
        return tokens

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tokens) -> tuple[Tensor | None, ...]:
        mixing, gain = ctx.saved_tensors
        members, _, n, _ = shape = gradient.shape
        d_mixing, d_gain, d_bias = (torch.empty_like(value) for value in (mixing, gain, gain))
        d_tokens = gradient.clone(memory_format=torch.contiguous_format)
        for layer in reversed(range(len(ctx.layers))):
            flat, gram, mixed, update, normal, mean, deviation = ctx.layers[layer]
            d_bias[:, layer] = d_tokens.sum(1)
            d_gain[:, layer] = (d_tokens * normal).sum(1)
            d_normal = d_tokens * gain[:, layer, None]
            d_update = _layer_norm_backward(
                d_normal, update, ctx.norm_shape, mean, deviation, None, None, [True, False, False]
            )[0].flatten(0, 1)
            d_mixed = _beside(d_update @ flat.mT, d_update.sum(-1, keepdim=True), members)
            d_mixing[:, layer] = gram.mT @ d_mixed
            if layer == 0 and not ctx.needs_input_grad[0]:
                return None, d_mixing, d_gain, d_bias, None
            weights = mixing[:, layer]
            d_gram = (d_mixed @ weights[:, :n].mT).view(-1, n, n)
            d_tokens += (d_mixed @ weights[:, n:].mT).view(*shape[:3], 1)
            d_flat = d_tokens.flatten(0, 1)
            d_flat.baddbmm_(d_gram + d_gram.mT, flat).baddbmm_(mixed.mT, d_update)
        return d_tokens, d_mixing, d_gain, d_bias, None


def gram_layers(
    tokens: Tokens,
    mixing: Float[Tensor, "S L n1 n1"],
    gain: Float[Tensor, "S L n D"],
    bias: Float[Tensor, "S L n D"],
    norm_shape: tuple[int, ...],
) -> Tokens:
    """L layers; LayerNorm's statistics run over the last axes, of shape `norm_shape`."""
    result = GramLayers.apply(tokens, mixing, gain, bias, list(norm_shape))
    assert isinstance(result, Tensor)
    return result


def _beside(square: Tensor, column: Tensor, members: int) -> Float[Tensor, "S rows n1"]:
    """(square, column), the contexts of a member one below the other."""
    return torch.cat([square, column], -1).view(members, -1, square.shape[-1] + 1)
