"""Batches: the symmetry each mode promises, and what a batch may depend on."""

import numpy as np
import pytest
import torch

from nao.specs import TrainingSpec
from nao.training.batches import CHUNK, Batches

MEMBERS, COUNT, POOL, WIDTH = 2, 30, 6, 5


def recipe(symmetry: str, seed: int = 3) -> TrainingSpec:
    return TrainingSpec.model_validate(
        {
            "row_symmetry": symmetry,
            "batch_contexts": 4,
            "steps": 100,
            "learning_rate": 0.1,
            "warmup_steps": 0,
            "seed": seed,
        }
    )


def pool() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(MEMBERS, COUNT, POOL, WIDTH, generator=generator, dtype=torch.float64)


def steps(symmetry: str, replicates=(0, 1), rows=None, number: int = 0):
    rows = pool() if rows is None else rows
    batches = Batches(rows, None, recipe(symmetry), replicates)
    chunk = batches.chunk(number)
    return chunk, [batches.step(chunk, step) for step in range(CHUNK)]


def test_none_gives_the_stored_rows():
    chunk, batches = steps("none")
    for step, batch in enumerate(batches):
        for member in range(MEMBERS):
            expected = pool()[member, chunk.contexts[step, member]]
            assert torch.equal(batch[member], expected)


def test_permute_gives_each_row_once_up_to_its_sign():
    chunk, batches = steps("permute")
    orders = set()
    for step, batch in enumerate(batches):
        stored = pool()[torch.arange(MEMBERS)[:, None], chunk.contexts[step]]
        # Signs cancel in the outer product of a row with itself, and order in the sum.
        assert torch.allclose(batch.mT @ batch, stored.mT @ stored)
        positive = batch * batch[..., :1].sign()
        reference = stored * stored[..., :1].sign()
        assert torch.allclose(positive.sort(2).values, reference.sort(2).values)
        orders |= {tuple(row.tolist()) for row in (chunk.rows[step] % POOL).flatten(0, 1)}
    assert len(orders) > CHUNK  # many of the 720 orders, not one


def test_permuted_signs_are_balanced():
    chunk, _ = steps("permute")
    assert chunk.signs is not None
    count = chunk.signs.numel()
    assert set(chunk.signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(chunk.signs.double().mean()) < 4 / np.sqrt(count)  # four standard errors


def test_rotate_turns_the_rows():
    chunk, batches = steps("rotate")
    assert chunk.rotation is not None
    eye = torch.eye(POOL).expand(CHUNK, MEMBERS, 1, POOL, POOL)
    torch.testing.assert_close(chunk.rotation @ chunk.rotation.mT, eye, rtol=0, atol=1e-6)
    for step, batch in enumerate(batches):
        stored = pool()[torch.arange(MEMBERS)[:, None], chunk.contexts[step]]
        torch.testing.assert_close(batch.mT @ batch, stored.mT @ stored, rtol=1e-6, atol=1e-5)
    assert not torch.allclose(batches[0], stored[: len(batches[0])])


def test_rotations_have_no_preferred_direction():
    """E Q_ij² = 1/pool for the uniform law on the orthogonal group, and E Q_ij = 0."""
    chunks = [steps("rotate", number=number)[0] for number in range(8)]
    draws = torch.cat([c.rotation.flatten(0, 2) for c in chunks if c.rotation is not None])
    count = len(draws)
    assert (draws.mean(0).abs() < 5 / np.sqrt(POOL * count)).all()
    assert (
        (draws.square().mean(0) - 1 / POOL).abs() < 5 * np.sqrt(2) / POOL / np.sqrt(count)
    ).all()


@pytest.mark.parametrize("symmetry", ["none", "permute", "rotate"])
def test_a_members_batches_do_not_depend_on_its_neighbours(symmetry):
    _, both = steps(symmetry)
    _, alone = steps(symmetry, (1,), pool()[1:])
    for pair, single in zip(both, alone, strict=True):
        assert torch.equal(pair[1:], single)


def test_chunks_and_replicates_differ():
    assert not torch.equal(steps("none", number=0)[0].contexts, steps("none", number=1)[0].contexts)
    first = steps("none")[0].contexts
    assert not torch.equal(first[:, 0], first[:, 1])


def test_noise_has_its_members_level_and_depends_on_seed_replicate_and_chunk_alone():
    levels = torch.tensor([0.5, 3.0], dtype=torch.float64)

    def drawn(level, replicates=(0, 1), number=0, seed=3, symmetry="permute", rows=None):
        rows = pool()[: len(replicates)] if rows is None else rows
        batches = Batches(rows, None, recipe(symmetry, seed), replicates, level)
        chunk = batches.chunk(number)
        return torch.stack([batches.noise(chunk, step) for step in range(CHUNK)], 1)

    both = drawn(levels)
    assert both.shape == (MEMBERS, CHUNK, 4, POOL)
    count = CHUNK * 4 * POOL
    spread = both.flatten(1).std(1) / levels
    assert ((spread - 1).abs() < 4 / np.sqrt(2 * count)).all()
    assert torch.equal(drawn(levels[1:], (1,), symmetry="none")[0], both[1])
    for other in (drawn(levels, number=1), drawn(levels, seed=4), drawn(levels, (2, 0))):
        assert not torch.isclose(other, both).any(0).all()
        assert not torch.isclose(other[0], both[0]).any()
