"""The state of an unfinished training on disk, so that a crash loses minutes at most.

One safetensors file: the tensors of the state, and in the header what holds them together (the
state as JSON, with a tensor's name in its place), the key (specification and code), the step, the
segments and a SHA-256 over all. A file that is truncated, damaged or of another training is set
aside with a warning, and never used.
"""

import hashlib
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nao.files import atomic_path

FORMAT = "nao.checkpoint/2"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands after `step` steps; `segments` are its earlier [first, last).

    `state` is a tree of dicts, lists, numbers, strings and tensors.
    """

    step: int
    segments: list[list[int]]
    state: Any


def write_checkpoint(path: Path, key: str, checkpoint: Checkpoint) -> None:
    """Write the state atomically, replacing an earlier one."""
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_parted(checkpoint.state, tensors))
    marks = {
        "format": FORMAT,
        "key": key,
        "step": str(checkpoint.step),
        "segments": json.dumps(checkpoint.segments),
        "tree": tree,
        "sha256": _digest(tensors, tree),
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, marks)


def read_checkpoint(path: Path, key: str) -> Checkpoint | None:
    """The state under `path` if it is whole and belongs to `key`; otherwise None.

    A file that is neither is renamed to `*.rejected`, with a warning that says why.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            marks = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        return _reject(path, f"it cannot be read ({fault})")
    if marks.get("format") != FORMAT:
        return _reject(path, f"its format is {marks.get('format')!r} instead of {FORMAT!r}")
    if marks.get("key") != key:
        return _reject(path, "it belongs to another specification or to older code")
    if marks.get("sha256") != _digest(tensors, marks.get("tree", "")):
        return _reject(path, "its content differs from its checksum")
    state = _joined(json.loads(marks["tree"]), tensors)
    return Checkpoint(int(marks["step"]), json.loads(marks["segments"]), state)


def _parted(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The tree as JSON knows it, its tensors moved to `tensors`: [kind, content] at each node."""
    if isinstance(tree, Tensor):
        # Strides are kept: products of the same numbers laid out otherwise differ in last bits.
        order = sorted(range(tree.ndim), key=tree.stride, reverse=True)
        name = str(len(tensors))
        rows = tree.detach().permute(order)
        tensors[name] = rows.cpu().clone(memory_format=torch.contiguous_format)
        return ["tensor", [name, order]]
    if isinstance(tree, dict):
        return ["dict", [[key, _parted(value, tensors)] for key, value in tree.items()]]
    if isinstance(tree, list | tuple):
        return ["list", [_parted(value, tensors) for value in tree]]
    return ["value", tree]


def _joined(parted: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `_parted`; a tuple comes back as a list."""
    kind, content = parted
    if kind == "tensor":
        name, order = content
        laid_out = tensors[name].permute(sorted(range(len(order)), key=order.__getitem__))
        return laid_out.clone()  # aligned as torch allocates, which BLAS's last bits depend on too
    if kind == "dict":
        return {key: _joined(value, tensors) for key, value in content}
    if kind == "list":
        return [_joined(value, tensors) for value in content]
    return content


def _reject(path: Path, reason: str) -> None:
    aside = path.with_name(path.name + ".rejected")
    os.replace(path, aside)
    warnings.warn(
        f"checkpoint {path} is not used since {reason}; it was moved to {aside.name}, "
        "and training starts from the beginning",
        stacklevel=3,
    )


def _digest(tensors: dict[str, Tensor], tree: str) -> str:
    digest = hashlib.sha256(tree.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
