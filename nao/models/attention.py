"""Attention over columns and its read-out: equal forms, and which of them is cheapest.

`keys` is (E K̃ᵀ) Q̃, head by head where heads do not add up to one product, and `gram` is
(E Ẽᵀ) M Ẽ, both by recorded operations; `layers` is the Gram form with its backward pass written
out (`nao.models.gram_layers`), `kernel` all of it in C (`nao.models.gram_kernel`).
"""

from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from nao.models import gram_kernel
from nao.models.stack import Tokens

if TYPE_CHECKING:
    from nao.models.transformer import Transformer

Form = Literal["kernel", "layers", "gram", "keys"]


def evaluation(model: "Transformer", tokens: Tokens) -> Form:
    """The form to evaluate a transformer by: the one it is told, or the cheapest.

    Raises `ValueError` where it is told one that does not compute what the model is.
    """
    if not model.spec.has_gram_form:
        if model.form not in (None, "keys"):
            raise ValueError(
                f"form = {model.form!r} computes linear attention with W_V = I alone; "
                "use form = 'keys'"
            )
        return "keys"
    if model.form is not None:
        return model.form
    if model.kernel == "native" and gram_kernel.covers(model, tokens):
        return "kernel"
    rows, columns = model.shape
    if not gram_is_cheaper(rows, columns, model.keys.shape[2] * model.keys.shape[3]):
        return "keys"
    return "layers" if model.spec.norm == "matrix" else "gram"


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


def head_attention(
    tokens: Tokens,
    keys: Float[Tensor, "S H k n1"],
    queries: Float[Tensor, "S H k n1"],
    values: Float[Tensor, "S H n n"] | None,
    softmax: bool,
) -> Tokens:
    """Σ_heads W_V E A, A = K̃ᵀ Q̃/D or the softmax of K̃ᵀ Q̃ over the keys (each column's sum is 1).

    The scale of K̃ᵀ Q̃ is in the queries. Without `values`, W_V = I.
    """
    shared = tokens[:, :, None]  # by the heads
    projected_keys = keys[:, None, ..., :-1] @ shared + keys[:, None, ..., -1:]
    projected_queries = queries[:, None, ..., :-1] @ shared + queries[:, None, ..., -1:]
    if softmax:
        seen = shared @ (projected_keys.mT @ projected_queries).softmax(-2)
    else:
        seen = (shared @ projected_keys.mT) @ projected_queries / tokens.shape[-1]
    if values is not None:
        seen = values[:, None] @ seen
    return seen.sum(2)


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
