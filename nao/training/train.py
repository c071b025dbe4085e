"""Training: find the weights of a stack of members that make X ŵ fit Y, never seeing w.

All replicates of a run are one stack with one optimiser: their parameters lead with a member axis,
their losses are summed, and gradients are clipped member by member, so that no member feels the
others. The host looks at the device once a chunk of steps.
"""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nao.models import gram_kernel
from nao.models.attention import evaluation
from nao.models.mixture_of_ridges import MixtureOfRidges
from nao.models.native import resolve
from nao.models.stack import Stack, Tokens
from nao.models.transformer import Transformer
from nao.models.weights import build
from nao.seeding import stream
from nao.specs import RunSpec, TrainingSpec
from nao.tasks.datasets import read_contexts, read_heldout
from nao.training.batches import CHUNK, Batches, Chunk
from nao.training.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from nao.training.clusters import begin_at_clusters
from nao.training.noise import noise_std
from nao.training.objectives import OBJECTIVES, Batch, distance, residual
from nao.training.optimizers import StackOptimizer
from nao.training.seen import turn_codes_to_rows

Report = Callable[[int, int, float], None]
"""Called once a chunk with (steps done, steps planned, mean loss of the last chunk)."""


class DeviceError(RuntimeError):
    """The demanded device is not there."""


class Preempted(SystemExit):
    """SIGTERM arrived; the state is saved, and the same command goes on from it."""


@dataclass(frozen=True)
class Divergence:
    """A member whose loss ceased to be finite."""

    replicate: int
    step: int
    last_loss: float


@dataclass(frozen=True)
class Trained:
    """A finished training.

    `history` has a row a replicate and chunk: `replicate`, `step`, `loss` and `gradient_norm`
    (means over the chunk), `learning_rate`, `status` (done or failed). `segments` lists the ranges
    [first, end) of steps run without interruption: the only thing that a resumption changes.
    """

    model: Stack
    history: pd.DataFrame
    divergences: list[Divergence]
    segments: list[list[int]]


def train(
    spec: RunSpec,
    contexts: Path,
    *,
    device: str = "cpu",
    kernel: Literal["auto", "torch", "native"] = "auto",
    checkpoint: Path | None = None,
    code: str = "",
    interval: float = 60.0,
    report: Report | None = None,
) -> Trained:
    """Train all replicates of a run on the training file `contexts`.

    With `checkpoint`, the state is saved there every `interval` seconds and at SIGTERM, and a
    training of the same spec and `code` goes on from it, to bitwise the same end. A member whose
    loss ceases to be finite is marked failed while the others go on.

    `kernel` says what evaluates a transformer. The answers differ in their last bits, which
    training magnifies: the one used stands in `Trained.model.kernel`, and belongs into a record.

    Raises `DeviceError` for a missing device, `NativeError` for a missing kernel, `DatasetError`
    for an unfit file, `Preempted` at SIGTERM.
    """
    where, dtype = require_device(device), getattr(torch, spec.training.precision)
    batches = load_batches(spec, contexts, where, dtype)
    model = build(spec, resolve(kernel, device)).to(where)
    model.initialise([stream(spec.training.seed, "init", r) for r in spec.dataset.members])
    _begin_from_rows(model, batches)
    run = Training(spec, model, batches)
    key = f"{spec.model_dump_json()} {model.kernel} {code}"
    if checkpoint is not None and (state := read_checkpoint(checkpoint, key)):
        run.restore(state)
    started, saved = run.step, time.monotonic()
    with _sigterm() as terminated:
        while run.step < spec.training.steps and not run.failed.all():
            run.advance()
            if report is not None:
                report(run.step, spec.training.steps, run.last_loss)
            if checkpoint is not None and (terminated or time.monotonic() - saved >= interval):
                write_checkpoint(checkpoint, key, run.state(started))
                saved = time.monotonic()
            if terminated:
                raise Preempted(128 + signal.SIGTERM)
    run.finish()
    segments = [*run.segments, [started, run.step]]
    return Trained(model, run.history(), run.divergences(), segments)


def _begin_from_rows(model: Stack, batches: Batches) -> None:
    """Set what of the first weights depends on the training rows."""
    if isinstance(model, MixtureOfRidges) and model.spec.clustered_contexts:
        begin_at_clusters(model, batches)
    codes = model.spec.codes if isinstance(model, Transformer) else None
    if isinstance(model, Transformer) and codes and codes.initial_directions == "seen":
        turn_codes_to_rows(model, batches)


def require_device(name: str) -> torch.device:
    """The device of that name. Raises `DeviceError` if it is not there."""
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError(
            f"compute.device = {name!r}, but torch {torch.__version__} sees no CUDA device; "
            "set compute.device to 'cpu' or run on a machine with a GPU"
        )
    return torch.device(name)


def load_batches(spec: RunSpec, path: Path, device: torch.device, dtype: torch.dtype) -> Batches:
    """The training contexts of all replicates on the device: only what the objective may see."""
    sees = OBJECTIVES[spec.training.objective].sees
    pools, truths, levels = [], [], []
    for replicate in spec.dataset.members:
        columns = ("x", "y", "w") if sees == "truth" else ("x", "y")
        seen = read_contexts(path, columns, replicate)
        rows = np.concatenate([seen.x, seen.y[..., None]], -1)
        if sees == "heldout":
            heldout = read_heldout(path, replicate)
            rows = np.concatenate([rows, np.concatenate([heldout.x, heldout.y[..., None]], -1)], 1)
        pools.append(torch.from_numpy(rows).to(device, dtype))
        if seen.w is not None:
            truths.append(torch.from_numpy(seen.w).to(device, dtype))
        if sees == "noise":
            levels.append(noise_std(seen))
    truth = torch.stack(truths) if truths else None
    level = torch.tensor(levels, device=device, dtype=dtype) if levels else None
    return Batches(torch.stack(pools), truth, spec.training, spec.dataset.members, level)


def learning_rate(spec: TrainingSpec, step: int) -> float:
    """Linear warm-up to the peak, then half a cosine or an exponential down to the final rate.

    `step` counts from 0.
    """
    if step < spec.warmup_steps:
        return spec.learning_rate * (step + 1) / spec.warmup_steps
    progress = (step - spec.warmup_steps) / max(1, spec.steps - spec.warmup_steps)
    if spec.schedule == "exponential":
        return spec.learning_rate * spec.final_rate**progress
    height = 0.5 * (1 + math.cos(math.pi * progress))
    return spec.learning_rate * (spec.final_rate + (1 - spec.final_rate) * height)


@torch.no_grad()
def clip_members(gradients: list[Tensor], largest: float | None) -> Tensor:
    """Scale each member's gradient, in place, to a norm of `largest` at most; the norms before.

    The gradient of a member that has diverged becomes 0: optimisers that decompose it would stop
    all members with an error.
    """
    norms = torch.cat([gradient.flatten(1) for gradient in gradients], 1).norm(dim=1)
    bound = math.inf if largest is None else largest
    factors = (bound / norms).clamp(max=1)  # a norm of 0 gives inf, hence 1; NaN stays NaN
    for gradient in gradients:
        gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
    # On a GPU the host would have to wait for it to know.
    if norms.device.type != "cpu" or not norms.isfinite().all():
        for gradient in gradients:
            gradient.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
    return norms


@dataclass
class Training:
    """A training under way: a stack of members, its batches and its optimiser."""

    spec: RunSpec
    model: Stack
    batches: Batches
    step: int = 0
    segments: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        recipe = self.spec.training
        self.parameters = list(self.model.parameters())
        self.optimizer = StackOptimizer(self.model, recipe)
        self.average = None
        if recipe.averaged_steps is not None:
            decay = get_ema_multi_avg_fn(1 - 1 / recipe.averaged_steps)
            self.average = AveragedModel(self.model, multi_avg_fn=decay)
        self.objective = OBJECTIVES[recipe.objective]
        members = len(self.spec.dataset.members)
        # Losses and gradient norms of every step: (2, steps, members), on the host.
        self.record = np.full((2, recipe.steps, members), np.nan)

    @property
    def failed(self) -> np.ndarray:
        """Which members' loss has ceased to be finite."""
        finite = np.isfinite(self.record[0, : self.step])
        return ~np.logical_and.reduce(finite, axis=0)

    @property
    def last_loss(self) -> float:
        """Mean loss over the last chunk and the members that are still finite."""
        losses = self.record[0, max(0, self.step - CHUNK) : self.step, ~self.failed]
        return float(losses.mean()) if losses.size else math.nan

    def advance(self) -> None:
        """Take the steps of one chunk, then look at their losses."""
        chunk = self.batches.chunk(self.step // CHUNK)
        last = min(self.step + CHUNK, self.spec.training.steps)
        measured = [self.take_step(chunk, step) for step in range(last - self.step)]
        self.record[:, self.step : last] = torch.stack(measured, 1).double().cpu().numpy()
        self.step = last

    def take_step(self, chunk: Chunk, index: int) -> Tensor:
        """One step on the batch `index` of the chunk; the members' losses and gradient norms."""
        tokens, target = self.objective.ask(self.batch(chunk, index))
        losses, gradients = self.losses_and_gradients(tokens, target)
        norms = clip_members(gradients, self.spec.training.gradient_clip)
        self.optimizer.step(gradients, learning_rate(self.spec.training, self.step + index))
        if self.average is not None:
            self.average.update_parameters(self.model)
        return torch.stack([losses.detach(), norms])

    def batch(self, chunk: Chunk, index: int) -> Batch:
        """What the objective may see of the batch `index` of the chunk."""
        rows, n = self.batches.step(chunk, index), self.spec.dataset.context_length
        sees = self.objective.sees
        return Batch(
            rows[:, :, :n],
            heldout=rows[:, :, n:] if sees == "heldout" else None,
            truth=self.batches.weights(chunk, index) if sees == "truth" else None,
            noise=self.batches.noise(chunk, index) if sees == "noise" else None,
        )

    def losses_and_gradients(self, tokens: Tokens, target: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The members' losses, and the gradients of their sum."""
        model, loss = self.model, self.objective.loss
        if (
            isinstance(model, Transformer)
            and evaluation(model, tokens) == "kernel"
            and loss in (residual, distance)  # the kernel knows these itself
        ):
            return gram_kernel.losses_and_gradients(model, tokens, target)
        losses = loss(target, model(tokens))
        return losses, list(
            torch.autograd.grad(losses.sum(), self.parameters, materialize_grads=True)
        )

    @torch.no_grad()
    def finish(self) -> None:
        """Leave the weights to be used in the model: NaN those of failed members."""
        self.optimizer.finish()
        if self.average is not None:
            self.model.load_state_dict(self.average.module.state_dict())
        for parameter in self.parameters:
            parameter[torch.from_numpy(self.failed).to(parameter.device)] = math.nan

    def state(self, started: int) -> Checkpoint:
        """All that the rest of the training depends on."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state(),
            "average": self.average and self.average.state_dict(),
            "record": torch.from_numpy(self.record),
        }
        return Checkpoint(self.step, [*self.segments, [started, self.step]], state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a saved state."""
        state = checkpoint.state
        self.model.load_state_dict(state["model"])
        self.optimizer.restore(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.record[:] = state["record"].numpy()
        self.step, self.segments = checkpoint.step, checkpoint.segments

    def divergences(self) -> list[Divergence]:
        """Where each failed member diverged."""
        found = []
        for member in np.flatnonzero(self.failed):
            losses = self.record[0, :, member]
            step = int(np.flatnonzero(~np.isfinite(losses))[0])
            last = float(losses[step - 1]) if step else math.nan
            found.append(Divergence(self.spec.dataset.members[member], step, last))
        return found

    def history(self) -> pd.DataFrame:
        """The record as a table, a row a replicate and chunk."""
        frames = []
        for member, replicate in enumerate(self.spec.dataset.members):
            for start in range(0, self.step, CHUNK):
                stop = min(start + CHUNK, self.step)
                loss, norm = self.record[:, start:stop, member].mean(1)
                frames.append(
                    (replicate, stop, loss, norm, learning_rate(self.spec.training, stop - 1))
                )
        columns = ["replicate", "step", "loss", "gradient_norm", "learning_rate"]
        table = pd.DataFrame(frames, columns=columns).astype({"replicate": "int32"})
        failed = table.groupby("replicate")["loss"].transform(lambda loss: loss.isna().cummax())
        table["status"] = np.where(failed.to_numpy(bool), "failed", "done")
        return table


@contextmanager
def _sigterm() -> Iterator[list[int]]:
    """A list that holds the signal once SIGTERM has arrived."""
    received: list[int] = []
    try:
        before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    except ValueError:  # not the main thread: signals are its owner's concern
        yield received
        return
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)
