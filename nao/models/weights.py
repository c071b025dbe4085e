"""Trained models on disk: safetensors, with the run's specification in the header.

Nothing is unpickled. A file holds one tensor a parameter, the member axis first, and the metadata
`nao`: JSON of `format`, `spec` (the `RunSpec`) and `failed` (the replicates that diverged). It is
one entry since safetensors orders several as it likes, and equal models shall give equal bytes.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nao.files import atomic_path
from nao.models.kinds import MODELS
from nao.models.native import resolve
from nao.models.stack import Stack, Tokens
from nao.specs import RunSpec
from nao.tasks.problems import Contexts

FORMAT = "nao.models.weights/1"
EVALUATION_BATCH = 256
"""Contexts evaluated at once: bounds memory at every scale."""


class WeightsError(ValueError):
    """A file that holds no model of ours, or a damaged one; the message names the remedy."""


def build(spec: RunSpec, kernel: Literal["auto", "torch", "native"] = "auto") -> Stack:
    """An uninitialised stack with one member a replicate, in the precision of its training.

    Raises `NativeError` where the kernel demanded cannot be had.
    """
    data = spec.dataset
    kind = MODELS[spec.model.kind]
    model = kind(spec.model, data.context_length, data.problem.dimension, data.replicates)
    model.kernel = resolve(kernel)
    return model.to(getattr(torch, spec.training.precision))


def save(path: str | Path, model: Stack, spec: RunSpec, failed: Sequence[int] = ()) -> None:
    """Write the weights atomically."""
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    marks = {"format": FORMAT, "spec": spec.model_dump(mode="json"), "failed": list(failed)}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {"nao": json.dumps(marks, sort_keys=True)})


def load_model(
    path: str | Path, kernel: Literal["auto", "torch", "native"] = "auto"
) -> tuple[Stack, RunSpec]:
    """The model and specification of a weights file. Raises `WeightsError`, `NativeError`."""
    try:
        with safe_open(path, "pt") as file:
            marks = json.loads((file.metadata() or {}).get("nao", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise WeightsError(
            f"{path} is no readable weights file ({fault}); remove it and train again"
        ) from None
    if marks.get("format") != FORMAT:
        raise WeightsError(
            f"{path} has format {marks.get('format')!r} instead of {FORMAT!r}; "
            "remove it and train again"
        )
    spec = RunSpec.model_validate(marks["spec"])
    model = build(spec, kernel)
    model.load_state_dict(tensors)
    return model, spec


@torch.no_grad()
def estimate(model: Stack, contexts: Contexts) -> Float[np.ndarray, "S B d"]:
    """ŵ of every member for the same contexts; NaN where a member's training diverged."""
    return torch.cat([model(tokens) for tokens in _batches(model, contexts)], 1).cpu().numpy()


@torch.no_grad()
def variance(model: Stack, contexts: Contexts) -> Float[np.ndarray, "S B"] | None:
    """E[‖ŵ − w‖² | X, Y] as every member itself has it; None where it has no posterior."""
    parts = [model.variance(tokens) for tokens in _batches(model, contexts)]
    known = [part for part in parts if part is not None]
    return torch.cat(known, 1).cpu().numpy() if known else None


def _batches(model: Stack, contexts: Contexts) -> Iterator[Tokens]:
    """The contexts, the same for all members, in parts that memory bears."""
    like = next(model.parameters())
    rows = np.concatenate([contexts.x, contexts.y[..., None]], -1)
    for part in torch.from_numpy(rows).to(like).split(EVALUATION_BATCH):
        yield part.expand(len(like), *part.shape)


def symmetrised_estimate(
    model: Stack, contexts: Contexts, orders: int, rng: np.random.Generator
) -> Float[np.ndarray, "S B d"]:
    """The mean of ŵ over `orders` random orders and signs of each context's rows.

    The posterior mean depends on neither, the transformer on both. By Jensen's inequality the mean
    over all of them has no larger error, whatever the model has learned; what it gains is what the
    model lost to treating rows by their position.
    """
    count, rows = contexts.y.shape
    total = np.zeros((len(next(model.parameters())), count, contexts.x.shape[2]))
    for _ in range(orders):
        order = rng.permuted(np.broadcast_to(np.arange(rows), (count, rows)), axis=1)
        signs = rng.integers(2, size=order.shape).astype(contexts.y.dtype) * 2 - 1
        x = np.take_along_axis(contexts.x, order[..., None], 1) * signs[..., None]
        y = np.take_along_axis(contexts.y, order, 1) * signs
        total += estimate(model, Contexts(x, y))
    return total / orders
