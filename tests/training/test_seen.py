"""Codes turned towards what rows see, against the square root that SciPy finds."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy.linalg import sqrtm

from nao.models.transformer import Transformer
from nao.models.weights import build
from nao.seeding import stream
from nao.specs import RunSpec
from nao.tasks.datasets import read_contexts, read_heldout, write_dataset
from nao.training.batches import Batches
from nao.training.seen import turn_codes_to_rows
from nao.training.train import load_batches, train
from tests.laws import problem_values

DIMENSION, REPLICATES = 8, (2, 3)
DESIGN = {"kind": "operator", "operator": "integral"}


def specification(directions: str = "seen", objective: str = "heldout", **training) -> RunSpec:
    recipe = {"batch_contexts": 8, "steps": 1, "learning_rate": 0.01, "warmup_steps": 0, "seed": 1}
    recipe |= {"objective": objective, "precision": "float64"}
    return RunSpec.model_validate(
        {
            "dataset": {
                "problem": problem_values(DIMENSION) | {"design": DESIGN},
                "context_length": 5,
                "train_contexts": 40,
                "test_contexts": 2,
                "replicates": len(REPLICATES),
                "first_replicate": REPLICATES[0],
                "seed": 1,
            },
            "model": {
                "kind": "transformer",
                "layers": 3,
                "codes": {"share": 1, "initial_directions": directions},
            },
            "training": recipe | training,
        }
    )


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seen")
    paths = [folder / f"{role}.parquet" for role in ("train", "test", "truth")]
    write_dataset(specification().dataset, *paths)
    return paths[0]


def drawn(spec: RunSpec) -> Transformer:
    model = build(spec, "torch")
    assert isinstance(model, Transformer)
    model.initialise([stream(1, "init", replicate) for replicate in spec.dataset.members])
    return model


def batches_of(spec: RunSpec, contexts) -> Batches:
    return load_batches(spec, contexts, torch.device("cpu"), torch.float64)


def root_of_rows(contexts, replicate: int, *, heldout: bool) -> np.ndarray:
    """√E[x xᵀ] of trace d, from the file."""
    pools = [read_contexts(contexts, replicate=replicate).x]
    if heldout:
        pools.append(read_heldout(contexts, replicate).x)
    rows = np.concatenate([x.reshape(-1, DIMENSION) for x in pools]).astype(np.float64)
    second = np.cov(rows, rowvar=False, bias=True) + np.outer(rows.mean(0), rows.mean(0))
    return np.real(sqrtm(second / np.trace(second) * DIMENSION))


@pytest.mark.parametrize("objective", ["heldout", "misfit"])
def test_codes_are_as_drawn_times_the_root_of_what_the_objective_sees(contexts, objective):
    spec = specification(objective=objective)
    model, before = drawn(spec), drawn(spec)
    turn_codes_to_rows(model, batches_of(spec, contexts))
    for member, replicate in enumerate(REPLICATES):
        root = root_of_rows(contexts, replicate, heldout=objective == "heldout")
        found, first = (each.codes[member].numpy(force=True) for each in (model, before))
        np.testing.assert_allclose(found[:, :-1], first[:, :-1] @ root, atol=1e-6)
        np.testing.assert_array_equal(found[:, -1], first[:, -1])
    for name, weights in model.named_parameters():
        assert name == "codes" or torch.equal(weights, getattr(before, name))


def test_a_direction_that_no_row_sees_is_left_empty(contexts):
    spec = specification()
    model, batches = drawn(spec), batches_of(spec, contexts)
    direction = torch.full((DIMENSION,), DIMENSION**-0.5, dtype=torch.float64)
    x = batches.table[:, :-1]
    x -= torch.outer(x @ direction, direction)
    turn_codes_to_rows(model, batches)
    along = model.codes[..., :-1] @ direction
    assert along.abs().max() < 1e-6 * model.codes.abs().max()


@pytest.mark.parametrize("value", [0.0, torch.inf, torch.nan])
def test_rows_that_say_nothing_leave_their_member_as_drawn_and_the_others_alone(contexts, value):
    spec = specification()
    whole, broken, before = drawn(spec), drawn(spec), drawn(spec)
    batches = batches_of(spec, contexts)
    turn_codes_to_rows(whole, batches)
    batches.table.view(len(REPLICATES), -1, DIMENSION + 1)[0] = value
    turn_codes_to_rows(broken, batches)
    assert torch.equal(broken.codes[0], before.codes[0])
    assert torch.equal(broken.codes[1], whole.codes[1])


def test_training_begins_there_only_where_asked_and_never_sees_w(contexts, tmp_path):
    blind = tmp_path / "blind.parquet"
    table = pq.read_table(contexts).drop_columns(["w"])
    pq.write_table(table, blind, row_group_size=40)
    for directions in ("seen", "all"):
        spec = specification(directions, learning_rate=1e-12)
        start = drawn(spec)
        if directions == "seen":
            turn_codes_to_rows(start, batches_of(spec, contexts))
        found = train(spec, blind).model
        assert isinstance(found, Transformer)
        torch.testing.assert_close(found.codes, start.codes)
