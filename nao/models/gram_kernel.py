"""The transformer by the kernel in C (`gram.c`): estimates, and losses with their gradients.

What it covers: linear attention with W_V = I and nothing after it, LayerNorm over the whole matrix,
any heads and key dimension, codes of either kind and none, single precision on the processor. One
core computes; members and contexts do not depend on what they are computed beside, to the last bit.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from nao.models.native import NAMES, Parameters, Shape, library
from nao.models.stack import Tokens

if TYPE_CHECKING:
    from nao.models.transformer import Transformer


class Target(IntEnum):
    """What the kernel measures estimates against; `Target` of `gram.c`."""

    NONE = 0
    ROWS = 1
    TRUTH = 2
    COTANGENT = 3


def covers(model: "Transformer", tokens: Tokens) -> bool:
    """Whether the kernel can evaluate the model, with gradients of its parameters."""
    like = model.keys
    alike = like.dtype == tokens.dtype == torch.float32 and like.device.type == "cpu"
    layer = model.spec.has_gram_form and model.spec.norm == "matrix"
    return layer and alike and not tokens.requires_grad


def estimates(model: "Transformer", tokens: Tokens) -> Float[Tensor, "S B d"]:
    """ŵ of every member for its contexts; gradients reach the parameters."""
    result = _Estimates.apply(model, tokens, *_weights(model))
    assert isinstance(result, Tensor)
    return result


@torch.no_grad()
def losses_and_gradients(
    model: "Transformer", tokens: Tokens, target: Tensor
) -> tuple[Float[Tensor, " S"], list[Tensor]]:
    """Each member's loss, and the gradients of their sum in the order of the parameters.

    Against rows (S, B, m, D), the mean of (X ŵ − Y)²; against truths (S, B, d), that of ‖ŵ − w‖².
    """
    kind = Target.ROWS if target.ndim == 4 else Target.TRUTH
    count = tokens.shape[1] * (target.shape[2] if kind is Target.ROWS else 1)
    _, losses, gradients = _run(model, tokens, _weights(model), target, kind, 2 / count)
    found: dict[str, Tensor | None] = dict(zip(NAMES, gradients, strict=True))
    ordered = [found[name] for name, _ in model.named_parameters()]
    return losses / count, [gradient for gradient in ordered if gradient is not None]


class _Estimates(torch.autograd.Function):
    """ŵ, evaluated anew in the backward pass: cheaper than keeping every context's layers."""

    @staticmethod
    def forward(ctx: Any, model: "Transformer", tokens: Tokens, *values: Tensor | None) -> Tensor:
        ctx.model = model
        ctx.save_for_backward(tokens, *values)
        return _run(model, tokens, values)[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        tokens, *values = ctx.saved_tensors
        cotangent = cotangent.contiguous()
        return None, None, *_run(ctx.model, tokens, values, cotangent, Target.COTANGENT)[2]


def _weights(model: "Transformer") -> list[Tensor | None]:
    return [getattr(model, name, None) for name in NAMES]


def _run(
    model: "Transformer",
    tokens: Tokens,
    values: Sequence[Tensor | None],
    target: Tensor | None = None,
    kind: Target = Target.NONE,
    weight: float = 0.0,
) -> tuple[Tensor, Tensor, list[Tensor | None]]:
    """Estimates, sums of losses, and gradients of weight / 2 times their sum, as `NAMES` are."""
    members, contexts, n, columns = tokens.shape
    # The kernel trusts these: it reads memory by them.
    assert (members, model.context_rows, columns) == (len(model.keys), n, model.shape[1])
    assert target is None or target.shape[:2] == tokens.shape[:2]
    assert target is None or target.shape[-1] == columns - (target.ndim == 3)
    tokens = _rows_together(tokens)
    target = target if target is None else _rows_together(target)
    assert all(value is None or value.is_contiguous() for value in values)
    gradients: list[Tensor | None] = [
        None if kind is Target.NONE or value is None else torch.empty_like(value)
        for value in values
    ]
    shape = Shape(
        members=members,
        contexts=contexts,
        rows=model.shape[0],
        columns=columns,
        layers=model.spec.layers - 1,
        context_rows=n,
        code_rows=model.code_rows,
        bias_rows=model.bias.shape[2],
        target_rows=0 if target is None else target.shape[2],
        target=kind,
        width=model.keys.shape[2] * model.keys.shape[3],
        attention_scale=model.attention_scale,
        readout_scale=model.readout_scale,
        token_member=tokens.stride(0),
        token_context=tokens.stride(1),
        target_member=0 if target is None else target.stride(0),
        target_context=0 if target is None else target.stride(1),
    )
    kernel = library()
    found, losses = tokens.new_empty(members, contexts, columns - 1), tokens.new_empty(members)
    room = torch.empty(kernel.nao_gram_room(shape))
    kernel.nao_gram(
        shape,
        Parameters(*map(_address, values)),
        *map(_address, (tokens, target)),
        weight,
        *map(_address, (room, found, losses)),
        Parameters(*map(_address, gradients)),
    )
    return found, losses, gradients


def _rows_together(values: Tensor) -> Tensor:
    """The same, with the entries of each context side by side in memory."""
    together = values.stride(-1) == 1 and values.stride(-2) in (values.shape[-1], values.stride(1))
    return values if together else values.contiguous()


def _address(values: Tensor | None) -> int | None:
    return None if values is None else values.data_ptr()
