"""Training: what it computes, what it may not depend on, and that nothing stops it for good."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from nao.analysis.evaluation import write_table
from nao.models.native import Kernel
from nao.models.weights import load_model, save
from nao.specs import RunSpec
from nao.tasks.datasets import DatasetError, write_dataset
from nao.training.batches import CHUNK
from nao.training.objectives import OBJECTIVES
from nao.training.optimizers import KINDS
from nao.training.train import DeviceError, clip_members, learning_rate, train
from tests.laws import problem_values


def specification(replicates: int = 2, first: int = 0, layers: int = 3, **training) -> RunSpec:
    recipe = {
        "batch_contexts": 8,
        "steps": 3 * CHUNK + 7,
        "learning_rate": 0.01,
        "warmup_steps": 20,
        "seed": 1,
    }
    return RunSpec.model_validate(
        {
            "dataset": {
                "problem": problem_values(6, rank=1),
                "context_length": 3,
                "train_contexts": 60,
                "test_contexts": 10,
                "replicates": replicates,
                "first_replicate": first,
                "seed": 1,
            },
            "model": {"kind": "transformer", "layers": layers},
            "training": recipe | training,
        }
    )


@pytest.fixture(params=["torch", "native"])
def kernel(request) -> Kernel:
    """What evaluates the transformer: training promises the same of both."""
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, spec in {"both": specification(), "second": specification(1, 1)}.items():
        paths = [folder / f"{name}-{role}.parquet" for role in ("train", "test", "truth")]
        write_dataset(spec.dataset, *paths)
    return folder


@pytest.fixture
def contexts(folder) -> Path:
    return folder / "both-train.parquet"


def same_weights(one, other) -> bool:
    left, right = one.model.state_dict(), other.model.state_dict()
    return all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_the_loss_falls(contexts, objective, kernel):
    trained = train(specification(objective=objective), contexts, kernel=kernel)
    assert trained.model.kernel == kernel
    history = trained.history
    assert (history.status == "done").all()
    assert history.step.max() == specification().training.steps
    for _, member in history.groupby("replicate"):
        assert member.loss.iloc[-1] < 0.95 * member.loss.iloc[0]
    assert trained.segments == [[0, specification().training.steps]]


def test_two_trainings_are_bitwise_alike(contexts, kernel):
    first, second = (train(specification(), contexts, kernel=kernel) for _ in range(2))
    assert same_weights(first, second)
    pd.testing.assert_frame_equal(first.history, second.history, check_exact=True)


def test_a_member_learns_alone(folder):
    """The second replicate of a stack of two against the same replicate by itself, float64."""
    stacked = train(specification(precision="float64"), folder / "both-train.parquet")
    alone = train(specification(1, 1, precision="float64"), folder / "second-train.parquet")
    for name, value in alone.model.state_dict().items():
        both = stacked.model.state_dict()[name]
        torch.testing.assert_close(both[1:], value, rtol=1e-9, atol=1e-10)
    member = stacked.history[stacked.history.replicate == 1]
    np.testing.assert_allclose(member.loss, alone.history.loss, rtol=1e-9)


def test_a_member_learns_alone_by_the_kernel(folder):
    """Over the first steps: clipping and Adam round by the place of a number in memory."""
    spec, single = specification(steps=15), specification(1, 1, steps=15)
    stacked = train(spec, folder / "both-train.parquet", kernel="native")
    alone = train(single, folder / "second-train.parquet", kernel="native")
    for name, value in alone.model.state_dict().items():
        both = stacked.model.state_dict()[name]
        torch.testing.assert_close(both[1:], value, rtol=1e-4, atol=1e-5)


def test_both_kernels_train_alike(contexts):
    """Until rounding grows: over the first steps, in the weights and in what is recorded."""
    for objective in ("misfit", "heldout", "supervised"):
        spec = specification(steps=15, objective=objective)
        by_torch, natively = (train(spec, contexts, kernel=name) for name in ("torch", "native"))
        for name, value in by_torch.model.state_dict().items():
            torch.testing.assert_close(
                natively.model.state_dict()[name], value, rtol=1e-3, atol=1e-4
            )
        columns = ["loss", "gradient_norm"]
        np.testing.assert_allclose(natively.history[columns], by_torch.history[columns], rtol=1e-4)


@pytest.mark.parametrize("optimizer", KINDS)
def test_a_diverging_member_leaves_the_others_alone(contexts, tmp_path, optimizer, kernel):
    """Infinite rows in one replicate's contexts, as an overflow would make them."""
    table = pq.read_table(contexts).to_pandas()
    broken = table.copy()
    broken["y"] = [
        np.full_like(y, np.inf) if replicate == 0 else y
        for y, replicate in zip(table.y, table.replicate, strict=True)
    ]
    schema = pq.read_schema(contexts)
    path = tmp_path / "train.parquet"
    import pyarrow as pa

    pq.write_table(
        pa.Table.from_pandas(broken, schema=schema, preserve_index=False), path, row_group_size=60
    )
    trained = train(specification(optimizer=optimizer), path, kernel=kernel)
    assert [d.replicate for d in trained.divergences] == [0]
    assert trained.divergences[0].step == 0
    assert set(trained.history.status[trained.history.replicate == 0]) == {"failed"}
    healthy = train(specification(optimizer=optimizer), contexts, kernel=kernel)
    for name, value in healthy.model.state_dict().items():
        assert torch.equal(trained.model.state_dict()[name][1], value[1])
        assert trained.model.state_dict()[name][0].isnan().all()


def test_training_stops_when_every_member_has_diverged(contexts, kernel):
    spec = specification(learning_rate=1e12, gradient_clip=None, warmup_steps=0)
    trained = train(spec, contexts, kernel=kernel)
    assert len(trained.divergences) == 2
    assert trained.history.step.max() <= CHUNK
    assert all(math.isfinite(d.last_loss) for d in trained.divergences)


def test_training_never_reads_the_truth(contexts, tmp_path):
    table = pq.read_table(contexts)
    blind = tmp_path / "blind.parquet"
    pq.write_table(table.drop_columns(["w"]), blind, row_group_size=60)
    for objective in ("misfit", "heldout"):
        seen = train(specification(objective=objective), contexts)
        assert same_weights(train(specification(objective=objective), blind), seen)
    with pytest.raises(DatasetError, match="w"):
        train(specification(objective="supervised"), blind)


@pytest.mark.parametrize(
    "changes",
    [{"optimizer": name} for name in KINDS] + [{"averaged_steps": 30}, {"objective": "r2r"}],
)
def test_resuming_gives_bitwise_the_same_end(contexts, tmp_path, changes, kernel):
    """Stopped by an exception after each chunk in turn, then run to the end."""
    spec = specification(**changes)
    whole = train(spec, contexts, kernel=kernel)
    for chunks in (1, 2, 3):
        state = tmp_path / f"{chunks}.safetensors"

        def stop(step, *_, last=chunks * CHUNK):
            if step > last:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(spec, contexts, kernel=kernel, checkpoint=state, interval=0, report=stop)
        resumed = train(spec, contexts, kernel=kernel, checkpoint=state, interval=0)
        assert same_weights(resumed, whole)
        pd.testing.assert_frame_equal(resumed.history, whole.history, check_exact=True)
        steps = specification().training.steps
        assert resumed.segments == [[0, chunks * CHUNK], [chunks * CHUNK, steps]]
        for name, trained in (("resumed", resumed), ("whole", whole)):
            write_table(tmp_path / name, trained.history)
        assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()


def test_other_code_starts_anew(contexts, tmp_path):
    state = tmp_path / "state.safetensors"
    train(specification(), contexts, checkpoint=state, interval=0, code="old")
    with pytest.warns(UserWarning, match="older code"):
        trained = train(specification(), contexts, checkpoint=state, interval=0, code="new")
    assert trained.segments == [[0, specification().training.steps]]


def test_the_other_kernel_starts_anew(contexts, tmp_path):
    state = tmp_path / "state.safetensors"
    train(specification(), contexts, kernel="torch", checkpoint=state, interval=0)
    with pytest.warns(UserWarning, match="another specification"):
        train(specification(steps=1), contexts, kernel="native", checkpoint=state)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from tests.training.test_train import specification
from nao.training.train import train
from nao.models.weights import save
from tests.laws import problem_values

spec = specification(steps=int(sys.argv[5]))
out = Path(sys.argv[2])
trained = train(spec, Path(sys.argv[1]), kernel=sys.argv[6],
                checkpoint=Path(sys.argv[3]), interval=0.0,
                report=lambda step, *_: print(step, flush=True))
trained.history.to_parquet(out.with_suffix(".parquet"))
save(out, trained.model, spec)
"""
LONG = 60 * CHUNK


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_any_moment_it_goes_on(contexts, tmp_path, number, kernel):
    root = str(Path(__file__).parents[1])
    state, out = tmp_path / "state.safetensors", tmp_path / "model.safetensors"
    arguments = [str(contexts), str(out), str(state), root, str(LONG), kernel]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 3 * CHUNK:
            break
    time.sleep(0.01)
    process.send_signal(number)
    process.stdout.read()
    assert process.wait() == (-9 if number == signal.SIGKILL else 128 + signal.SIGTERM)
    assert state.exists()
    assert not out.exists()
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    torch.set_num_threads(1)
    spec = specification(steps=LONG)
    whole = train(spec, contexts, kernel=kernel)
    save(tmp_path / "whole.safetensors", whole.model, spec)
    assert out.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    history = pd.read_parquet(out.with_suffix(".parquet"))
    pd.testing.assert_frame_equal(history, whole.history, check_exact=True)


def test_a_missing_gpu_is_named(contexts):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device whose absence is tested")
    with pytest.raises(DeviceError, match=r"compute\.device = 'cuda'.*set compute\.device"):
        train(specification(), contexts, device="cuda")


def test_the_learning_rate_rises_linearly_and_falls_as_a_cosine():
    recipe = specification(steps=120, warmup_steps=20, learning_rate=2.0).training
    rates = [learning_rate(recipe, step) for step in range(120)]
    np.testing.assert_allclose(rates[:20], np.arange(1, 21) / 10)
    np.testing.assert_allclose(rates[20:], 1 + np.cos(np.pi * np.arange(100) / 100), atol=1e-12)


def test_the_learning_rate_falls_as_an_exponential():
    recipe = specification(steps=120, warmup_steps=20, learning_rate=2.0, final_rate=0.01)
    recipe = recipe.training.model_copy(update={"schedule": "exponential"})
    rates = [learning_rate(recipe, step) for step in range(20, 120)]
    np.testing.assert_allclose(rates, 2 * 10 ** (-np.arange(100) / 50))


def test_the_cosine_ends_at_the_final_rate():
    recipe = specification(steps=120, warmup_steps=20, learning_rate=2.0, final_rate=0.25).training
    assert learning_rate(recipe, 120) == pytest.approx(0.5)
    assert learning_rate(recipe, 70) == pytest.approx((2 + 0.5) / 2)


def test_an_exponential_must_end_above_zero():
    with pytest.raises(ValueError, match="final_rate = 0; give a share"):
        specification(schedule="exponential")


def test_the_average_is_that_of_the_weights_on_the_way(contexts):
    """Against the average over models trained to each step: the rate is constant."""
    constant = {"schedule": "exponential", "final_rate": 1.0, "warmup_steps": 0}
    kept = train(specification(steps=6, averaged_steps=4, **constant), contexts).model
    on_the_way = [
        train(specification(steps=steps, **constant), contexts).model.state_dict()
        for steps in range(1, 7)
    ]
    for name, value in kept.state_dict().items():
        expected = on_the_way[0][name]
        for weights in on_the_way[1:]:
            expected = 0.75 * expected + 0.25 * weights[name]
        torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_model_is_saved_in_the_precision_it_was_trained_in(contexts, tmp_path, precision):
    spec = specification(steps=2, precision=precision)
    save(tmp_path / "model.safetensors", train(spec, contexts).model, spec)
    model, _ = load_model(tmp_path / "model.safetensors")
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, precision)}


def test_gradients_are_clipped_member_by_member():
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(3, *shape, generator=generator) for shape in ((2,), (4, 5))]
    gradients[0][1] *= 100
    gradients[1][2] = gradients[0][2] = 0
    before = [gradient.clone() for gradient in gradients]
    norms = clip_members(gradients, 0.5)
    for member in range(3):
        own = [nn[member] for nn in before]
        expected = torch.nn.utils.get_total_norm(own)
        torch.testing.assert_close(norms[member], expected)
        clipped = torch.nn.utils.get_total_norm([g[member] for g in gradients])
        torch.testing.assert_close(clipped, expected.clamp(max=0.5))
    assert torch.equal(gradients[1][2], torch.zeros(4, 5))


@pytest.mark.parametrize("largest", [0.5, None])
def test_a_lost_members_gradient_becomes_zero(largest):
    gradients = [torch.ones(3, 2), torch.ones(3, 4, 5)]
    gradients[1][1, 2, 3] = math.nan
    gradients[0][2, 0] = math.inf
    norms = clip_members(gradients, largest)
    assert norms.isfinite().tolist() == [True, False, False]
    for gradient in gradients:
        assert gradient[0].abs().min() > 0
        assert not gradient[1:].any()
