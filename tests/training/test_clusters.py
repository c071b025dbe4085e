"""The start from clusters against the mixture that the contexts were drawn from."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from nao.models.mixture_of_ridges import MixtureOfRidges
from nao.models.weights import build
from nao.seeding import stream
from nao.specs import RunSpec
from nao.tasks.datasets import write_dataset
from nao.tasks.problems import draw_problem
from nao.training.batches import Batches
from nao.training.clusters import begin_at_clusters
from nao.training.train import load_batches, train
from tests.laws import problem_values

MIXTURE = {"kind": "mixture", "components": 3, "variance": 0.04, "mean_norm": 3.0}
NAMES = ("means", "loadings", "background")


def specification(
    contexts: int = 300, experts: int = 3, replicates: int = 2, **training
) -> RunSpec:
    recipe = {"batch_contexts": 8, "steps": 1, "learning_rate": 0.01, "warmup_steps": 0, "seed": 1}
    recipe |= {"objective": "heldout", "precision": "float64"}
    return RunSpec.model_validate(
        {
            "dataset": {
                "problem": problem_values(8) | {"prior": MIXTURE},
                "context_length": 5,
                "train_contexts": 400,
                "test_contexts": 2,
                "replicates": replicates,
                "first_replicate": 2 - replicates,
                "seed": 1,
            },
            "model": {
                "kind": "mixture_of_ridges",
                "experts": experts,
                "rank": 1,
                "initial_background": 0.5,
                "clustered_contexts": contexts,
            },
            "training": recipe | training,
        }
    )


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    """Training files of both replicates and of the second alone."""
    folder = tmp_path_factory.mktemp("clusters")
    paths = {}
    for replicates in (1, 2):
        paths[replicates] = folder / f"{replicates}.parquet"
        spec = specification(replicates=replicates).dataset
        write_dataset(spec, paths[replicates], folder / "test.parquet", folder / "truth.parquet")
    return paths


def batches_of(spec: RunSpec, contexts) -> Batches:
    path = contexts[spec.dataset.replicates]
    return load_batches(spec, path, torch.device("cpu"), torch.float64)


def begun(spec: RunSpec, batches: Batches) -> MixtureOfRidges:
    model = build(spec, "torch")
    assert isinstance(model, MixtureOfRidges)
    model.initialise([stream(1, "init", replicate) for replicate in spec.dataset.members])
    begin_at_clusters(model, batches)
    return model


def same(one: torch.nn.Module, other: torch.nn.Module, name: str) -> bool:
    return torch.equal(getattr(one, name), getattr(other, name))


def test_experts_begin_on_the_lines_of_the_mixture(contexts):
    """Each at the mean of its own and along it; one cluster of three differs by √0.04 in w."""
    spec = specification()
    mixture = draw_problem(spec.dataset.problem, spec.dataset.seed).prior.mixture
    assert mixture is not None
    model = begun(spec, batches_of(spec, contexts))
    for means, loadings in zip(model.means.numpy(force=True), model.loadings, strict=True):
        distance = np.linalg.norm(mixture.means[:, None] - means, axis=2)
        nearest = distance.argmin(axis=1)
        assert sorted(nearest) == [0, 1, 2]
        assert distance.min(axis=1).max() < 0.2
        found = loadings.numpy(force=True)[nearest, :, 0]
        cosine = np.sum(found * mixture.loadings[:, :, 0], axis=1)
        cosine /= np.linalg.norm(found, axis=1) * np.linalg.norm(mixture.loadings[:, :, 0], axis=1)
        assert np.abs(cosine).min() > 0.8


def test_the_background_begins_at_its_multiple_of_the_pooled_covariance(contexts):
    spec = specification()
    mixture = draw_problem(spec.dataset.problem, spec.dataset.seed).prior.mixture
    assert mixture is not None
    for root in begun(spec, batches_of(spec, contexts)).background.numpy(force=True):
        away = root @ root.T / 0.5**2 - mixture.covariance
        assert np.linalg.norm(away) < 0.2 * np.linalg.norm(mixture.covariance)


def test_a_member_begins_alone(contexts):
    both, single = specification(), specification(replicates=1)
    stacked, alone = (begun(spec, batches_of(spec, contexts)) for spec in (both, single))
    for name in NAMES:
        torch.testing.assert_close(getattr(stacked, name)[1:], getattr(alone, name))


def test_a_member_without_finite_rows_leaves_the_others_alone(contexts):
    spec = specification()
    batches = batches_of(spec, contexts)
    whole = begun(spec, batches)
    batches.table[0] = torch.inf
    broken = begun(spec, batches)
    for name in NAMES:
        assert torch.equal(getattr(broken, name)[1], getattr(whole, name)[1])


def test_the_seed_of_the_training_alone_draws_the_clusters(contexts):
    """More clusters than there are lines, so that where they fall is a matter of chance."""
    spec, other = specification(experts=9), specification(experts=9, seed=2)
    first, again = (begun(spec, batches_of(spec, contexts)) for _ in range(2))
    assert all(same(first, again, name) for name in NAMES)
    assert not same(first, begun(other, batches_of(other, contexts)), "means")


def test_it_looks_at_the_first_contexts_alone(contexts):
    spec = specification(contexts=300)
    batches = batches_of(spec, contexts)
    whole = begun(spec, batches)
    rows = batches.table.view(2, 400, 10, 9)
    rows[:, 300:] = 7.0
    assert all(same(whole, begun(spec, batches), name) for name in NAMES)
    rows[:, 299] = 7.0
    assert not same(whole, begun(spec, batches), "means")


def test_training_begins_there_and_never_sees_w(contexts, tmp_path):
    spec = specification(learning_rate=1e-12)
    blind = tmp_path / "blind.parquet"
    table = pq.read_table(contexts[2]).drop_columns(["w"])
    pq.write_table(table, blind, row_group_size=400)
    trained, start = train(spec, blind).model, begun(spec, batches_of(spec, contexts))
    for name in NAMES:
        torch.testing.assert_close(getattr(trained, name), getattr(start, name))


@pytest.mark.parametrize(
    ("contexts", "experts", "given", "needed"),
    [(20, 30, 20, 30), (1000, 401, 400, 401), (1, 1, 1, 2)],
)
def test_too_few_contexts_are_refused(contexts, experts, given, needed):
    with pytest.raises(ValueError, match=rf"{given} training contexts of 5 rows .*takes {needed};"):
        specification(contexts, experts)
