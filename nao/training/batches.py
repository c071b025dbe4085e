"""Which rows each training step sees, and in which order.

The rows of a context are exchangeable, but the transformer's weights treat them by position. Three
modes of `row_symmetry`:

- `none`: rows as stored, the paper's training.
- `permute`: each context drawn gets a new order of its rows and new signs of (x_i, y_i). Exact for
  independent rows symmetric about 0.
- `rotate`: each step turns the rows by an orthogonal matrix drawn uniformly. Exact for Gaussian
  rows and noise.

None of them touches w. Objectives that need noise of the contexts' own level get fresh draws of it
at every step. With held-out rows the symmetry acts on the pool of context and held-out
rows before it is split, so that each row serves in both.

All choices are drawn on the host, for a chunk of steps at once, from a stream that the seed, the
replicate and the chunk name: a step's batch depends neither on the device, nor on what else is
trained beside, nor on where a training was resumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nao.models.stack import haar_orthogonal
from nao.seeding import stream
from nao.specs import TrainingSpec

CHUNK = 50
"""Steps whose batches are drawn at once; also between two looks of the host at the loss."""


@dataclass(frozen=True)
class Chunk:
    """The batches of up to `CHUNK` steps for S members, on the device."""

    contexts: Int[Tensor, "steps S B"]
    rows: Int[Tensor, "steps S B pool"]
    signs: Float[Tensor, "steps S B pool"] | None
    rotation: Float[Tensor, "steps S 1 pool pool"] | None
    noise: Float[Tensor, "steps S B pool"] | None


class Batches:
    """The training contexts of S members on a device, and the order in which they are met.

    `pool` holds the rows (x_i, y_i) of every context, (S, n_s, pool, D). Noise is drawn only where
    its level is given, for each member.
    """

    def __init__(
        self,
        pool: Float[Tensor, "S n_s pool D"],
        truth: Float[Tensor, "S n_s d"] | None,
        spec: TrainingSpec,
        replicates: Sequence[int],
        noise_std: Float[Tensor, " S"] | None = None,
    ):
        self.noise_std = noise_std
        self.spec, self.replicates, self.truth = spec, replicates, truth
        self.members, self.count, self.length, self.width = pool.shape
        self.table = pool.reshape(-1, self.width)
        self.member = torch.arange(self.members, device=pool.device)[:, None]

    def chunk(self, number: int) -> Chunk:
        """Draw the batches of chunk `number`."""
        draws = [self._draw(replicate, number) for replicate in self.replicates]
        contexts, orders, signs, rotations = (
            None if part[0] is None else torch.from_numpy(np.stack(part, 1)).to(self.table.device)
            for part in zip(*draws, strict=True)
        )
        assert contexts is not None
        assert orders is not None
        rows = (self.member * self.count + contexts)[..., None] * self.length + orders
        return Chunk(
            contexts,
            rows,
            signs,
            None if rotations is None else rotations[:, :, None],
            None if self.noise_std is None else self._noise(number),
        )

    def _noise(self, number: int) -> Float[Tensor, "steps S B pool"]:
        """Standard normal draws of chunk `number`."""
        shape = (CHUNK, self.spec.batch_contexts, self.length)
        draws = [
            stream(self.spec.seed, "noise", replicate, number).standard_normal(shape, np.float32)
            for replicate in self.replicates
        ]
        return torch.from_numpy(np.stack(draws, 1)).to(self.table.device)

    def _draw(self, replicate: int, number: int) -> tuple[np.ndarray | None, ...]:
        """Contexts, row orders, signs and rotations of one replicate and chunk."""
        rng = stream(self.spec.seed, "batches", replicate, number)
        shape = (CHUNK, self.spec.batch_contexts)
        contexts = rng.integers(self.count, size=shape)
        order = np.broadcast_to(np.arange(self.length), (*shape, self.length))
        if self.spec.row_symmetry == "permute":
            order = rng.permuted(order, axis=-1)
            signs = rng.integers(2, size=order.shape).astype(np.float32) * 2 - 1
            return contexts, order, signs, None
        if self.spec.row_symmetry == "rotate":
            rotation = haar_orthogonal(rng, CHUNK, self.length).astype(np.float32)
            return contexts, order, None, rotation
        return contexts, order, None, None

    def step(self, chunk: Chunk, step: int) -> Float[Tensor, "S B pool D"]:
        """The rows of one step, symmetry applied."""
        rows = chunk.rows[step]
        batch = self.table.index_select(0, rows.flatten()).view(*rows.shape, self.width)
        if chunk.signs is not None:
            batch *= chunk.signs[step][..., None].to(batch.dtype)
        if chunk.rotation is not None:
            batch = chunk.rotation[step].to(batch.dtype) @ batch
        return batch

    def weights(self, chunk: Chunk, step: int) -> Float[Tensor, "S B d"]:
        """The true w of one step's contexts, for the `supervised` reference alone."""
        assert self.truth is not None
        return self.truth[self.member, chunk.contexts[step]]

    def noise(self, chunk: Chunk, step: int) -> Float[Tensor, "S B pool"]:
        """N(0, σ̂²), one draw a row of one step's contexts."""
        assert chunk.noise is not None
        assert self.noise_std is not None
        return self.noise_std[:, None, None] * chunk.noise[step].to(self.noise_std.dtype)
