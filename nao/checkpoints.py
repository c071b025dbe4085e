"""The state of an unfinished training on disk, so that a crash loses minutes at most.

One safetensors file: the tensors of the state, and in the header the key (specification and code),
the step, the segments and a SHA-256 over the tensors. A file that is truncated, damaged or of
another training is set aside with a warning, and never used.
"""

import hashlib
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nao.files import atomic_path

FORMAT = "nao.checkpoint/1"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands after `step` steps; `segments` are its earlier [first, last)."""

    step: int
    segments: list[list[int]]
    tensors: dict[str, Tensor]


def write_checkpoint(path: Path, key: str, checkpoint: Checkpoint) -> None:
    """Write the state atomically, replacing an earlier one."""
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in checkpoint.tensors.items()
    }
    marks = {
        "format": FORMAT,
        "key": key,
        "step": str(checkpoint.step),
        "segments": json.dumps(checkpoint.segments),
        "sha256": _digest(tensors),
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
    if marks.get("sha256") != _digest(tensors):
        return _reject(path, "its content differs from its checksum")
    return Checkpoint(int(marks["step"]), json.loads(marks["segments"]), tensors)


def _reject(path: Path, reason: str) -> None:
    aside = path.with_name(path.name + ".rejected")
    os.replace(path, aside)
    warnings.warn(
        f"checkpoint {path} is not used since {reason}; it was moved to {aside.name}, "
        "and training starts from the beginning",
        stacklevel=3,
    )


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
