"""Weights on disk: the same model back, the same estimates, and a clear word on a bad file."""

import json
from itertools import permutations, product

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from nao.models.weights import (
    EVALUATION_BATCH,
    WeightsError,
    build,
    estimate,
    load_model,
    save,
    symmetrised_estimate,
)
from nao.seeding import stream
from nao.specs import (
    MixtureOfRidgesSpec,
    RowTokenTransformerSpec,
    RunSpec,
    TransformerSpec,
    UnrolledGradientSpec,
)
from nao.tasks.problems import Contexts
from tests.laws import problem_values

MODEL_SPECS = {
    "transformer": TransformerSpec(layers=3),
    "unrolled_gradient": UnrolledGradientSpec(kind="unrolled_gradient", layers=3),
    "row_token_transformer": RowTokenTransformerSpec(kind="row_token_transformer", layers=3),
    "mixture_of_ridges": MixtureOfRidgesSpec(kind="mixture_of_ridges", experts=3, rank=2),
}

SPEC = RunSpec.model_validate(
    {
        "dataset": {
            "problem": problem_values(6, rank=1),
            "context_length": 3,
            "train_contexts": 20,
            "test_contexts": 10,
            "replicates": 2,
            "seed": 1,
        },
        "model": {"kind": "transformer", "layers": 3},
        "training": {
            "batch_contexts": 4,
            "steps": 5,
            "learning_rate": 0.01,
            "warmup_steps": 2,
            "seed": 1,
        },
    }
)


@pytest.fixture
def model():
    stack = build(SPEC)
    stack.initialise([stream(1, "init", replicate) for replicate in range(2)])
    return stack


@pytest.mark.parametrize("changes", [{}, {"values": "learned", "feed_forward": 4}])
def test_what_is_saved_is_loaded(changes, tmp_path):
    path = tmp_path / "model.safetensors"
    run = RunSpec.model_validate(
        SPEC.model_dump() | {"model": {"kind": "transformer", "layers": 3} | changes}
    )
    model = build(run)
    model.initialise([stream(1, "init", replicate) for replicate in range(2)])
    save(path, model, run, failed=[1])
    loaded, spec = load_model(path)
    assert spec == run
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]  # no temporary left


def test_estimates_are_the_models_whatever_the_batch(model):
    rng = np.random.default_rng(0)
    count = EVALUATION_BATCH + 3
    contexts = Contexts(rng.standard_normal((count, 3, 6)), rng.standard_normal((count, 3)))
    estimates = estimate(model.double(), contexts)
    assert estimates.shape == (2, count, 6)
    rows = torch.from_numpy(np.concatenate([contexts.x, contexts.y[..., None]], -1))
    single = model(rows[-1].expand(2, 1, 3, 7))
    np.testing.assert_allclose(estimates[:, -1:], single.detach(), rtol=1e-10)


def test_symmetrised_estimates_forget_order_and_signs(model):
    """The mean over many random orders and signs against that over all of them."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3, 6)), rng.standard_normal((4, 3))
    model.double()
    every = [
        estimate(model, Contexts(x[:, order] * signs[:, None], y[:, order] * signs))
        for order in map(list, permutations(range(3)))
        for signs in (np.array(signs) for signs in product((1.0, -1.0), repeat=3))
    ]
    drawn = symmetrised_estimate(model, Contexts(x, y), 4000, stream(1, "orders"))
    error = np.std(every, 0) / np.sqrt(4000)
    np.testing.assert_array_less(np.abs(drawn - np.mean(every, 0)), 5 * error + 1e-12)
    assert np.abs(every[0] - np.mean(every, 0)).max() > 1e-3


def test_row_invariant_models_gain_nothing(model):
    for kind, expected in zip(MODEL_SPECS, (False, True, True, True), strict=True):
        spec = SPEC.model_copy(update={"model": MODEL_SPECS[kind]})
        stack = build(spec)
        stack.initialise([stream(1, "init", replicate) for replicate in range(2)])
        stack.double()
        rng = np.random.default_rng(0)
        contexts = Contexts(rng.standard_normal((4, 3, 6)), rng.standard_normal((4, 3)))
        turned = Contexts(contexts.x[:, [2, 0, 1]] * -1, contexts.y[:, [2, 0, 1]] * -1)
        alike = np.allclose(estimate(stack, contexts), estimate(stack, turned), rtol=1e-9)
        assert stack.row_invariant == alike == expected


def test_a_truncated_file_is_named(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save(path, model, SPEC)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(WeightsError, match=r"model\.safetensors.*train again"):
        load_model(path)


def test_a_foreign_file_is_named(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, path, {"spec": json.dumps({})})
    with pytest.raises(WeightsError, match="format"):
        load_model(path)
