"""Data sets in and out of Parquet: what is written is what was drawn, and damage is noticed."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nao.specs import DatasetSpec
from nao.tasks.datasets import (
    BLOCK,
    DatasetError,
    read_contexts,
    read_design,
    read_heldout,
    read_spec,
    read_truth,
    write_dataset,
)
from nao.tasks.problems import draw_problem
from tests.laws import problem_values


def dataset_spec(**changes) -> DatasetSpec:
    values = {
        "problem": problem_values(5),
        "context_length": 3,
        "train_contexts": 40,
        "test_contexts": 30,
        "replicates": 2,
        "seed": 7,
    }
    return DatasetSpec.model_validate(values | changes)


def written(folder, spec):
    paths = [folder / f"{role}.parquet" for role in ("train", "test", "truth")]
    write_dataset(spec, *paths)
    return paths


def fitted(x, w):
    return np.einsum("bnd,bd->bn", x, w)


@pytest.fixture
def dataset(tmp_path):
    spec = dataset_spec()
    return spec, *written(tmp_path, spec)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(
    n=st.integers(1, 4),
    m=st.integers(1, 3),
    train=st.sampled_from([1, 7, BLOCK, BLOCK + 3]),
    replicates=st.integers(1, 3),
    first=st.integers(0, 2),
)
def test_shapes_and_columns(tmp_path_factory, n, m, train, replicates, first):
    spec = dataset_spec(
        context_length=n,
        heldout_rows=m,
        train_contexts=train,
        replicates=replicates,
        first_replicate=first,
    )
    train_path, test_path, _ = written(tmp_path_factory.mktemp("data"), spec)
    everything = read_contexts(train_path, ("x", "y", "w"))
    assert everything.x.shape == (replicates * train, n, 5)
    assert everything.y.shape == (replicates * train, n)
    assert everything.w is not None
    assert everything.w.shape == (replicates * train, 5)
    last = first + replicates - 1
    assert len(read_contexts(train_path, replicate=last)) == train
    heldout = read_heldout(train_path, replicate=last)
    assert heldout.x.shape == (train, m, 5)
    assert heldout.y.shape == (train, m)
    assert read_contexts(test_path).x.shape == (spec.test_contexts, n, 5)
    assert everything.x.dtype == everything.y.dtype == everything.w.dtype == np.float32
    assert read_spec(train_path) == spec


def test_the_design_is_known_from_any_file(tmp_path):
    spec = dataset_spec(problem=problem_values(5, condition=7.0))
    moment = draw_problem(spec.problem, spec.seed).design_covariance
    assert not np.array_equal(moment, np.eye(5))
    for path in written(tmp_path, spec):
        np.testing.assert_array_equal(read_design(path).covariance, moment)


def test_rows_and_heldout_rows_obey_the_model_of_one_w(tmp_path):
    spec = dataset_spec(problem=problem_values(5, noise_std=0.0))
    train, test, _ = written(tmp_path, spec)
    for path in (train, test):
        contexts = read_contexts(path, ("x", "y", "w"))
        assert contexts.w is not None
        np.testing.assert_allclose(contexts.y, fitted(contexts.x, contexts.w), atol=1e-5)
        if path == train:
            heldout = read_heldout(train)
            np.testing.assert_allclose(heldout.y, fitted(heldout.x, contexts.w), atol=1e-5)


def test_fewer_contexts_are_the_beginning_of_more(tmp_path):
    many, few = (
        written(tmp_path / str(count), dataset_spec(train_contexts=count))[0]
        for count in (BLOCK + 100, 100)
    )
    for read in (read_contexts, read_heldout):
        for replicate in (0, 1):
            longer, shorter = read(many, replicate=replicate), read(few, replicate=replicate)
            np.testing.assert_array_equal(longer.x[:100], shorter.x)
            np.testing.assert_array_equal(longer.y[:100], shorter.y)


def test_no_context_occurs_twice_in_any_role_or_replicate(tmp_path):
    spec = dataset_spec(train_contexts=2 * BLOCK + 5, test_contexts=BLOCK + 5, replicates=3)
    train, test, _ = written(tmp_path, spec)
    rows = np.concatenate(
        [contexts.x.reshape(-1, 5) for contexts in map(read_contexts, (train, test))]
        + [read_heldout(train).x.reshape(-1, 5)]
    )
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_replicates_of_a_later_number_are_those_of_a_longer_series(tmp_path):
    late = written(tmp_path / "late", dataset_spec(replicates=1, first_replicate=2))[0]
    all_three = written(tmp_path / "all", dataset_spec(replicates=3))[0]
    np.testing.assert_array_equal(
        read_contexts(late, replicate=2).x, read_contexts(all_three, replicate=2).x
    )
    with pytest.raises(DatasetError, match=r"no replicate 0; choose among 2"):
        read_contexts(late, replicate=0)


def test_training_columns_are_read_without_w(dataset):
    _, train, *_ = dataset
    assert read_contexts(train).w is None
    assert read_heldout(train).w is None


def test_truth_is_the_problem_in_double_precision(dataset):
    spec, *_, truth = dataset
    drawn, stored = draw_problem(spec.problem, spec.seed), read_truth(truth)
    for name in ("prior_mean", "prior_basis", "prior_variances", "design_covariance"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(stored, name))
    assert stored.noise_std == 0.1


def test_a_truth_that_its_specification_does_not_give_is_refused(dataset):
    *_, truth = dataset
    table = pq.read_table(truth)
    column = table.schema.get_field_index("noise_std")
    pq.write_table(table.set_column(column, table.field(column), pa.array([0.2])), truth)
    with pytest.raises(DatasetError, match=r"another noise_std than its specification.*remove it"):
        read_truth(truth)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    once, again = (written(tmp_path / name, dataset_spec()) for name in "ab")
    for first, second in zip(once, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_failure_leaves_the_old_file_and_no_remnant(tmp_path, monkeypatch):
    train, *_ = written(tmp_path, dataset_spec())
    before = train.read_bytes()

    def broken(*arguments, **named):
        raise MemoryError

    monkeypatch.setattr("nao.tasks.datasets._table", broken)
    with pytest.raises(MemoryError):
        written(tmp_path, dataset_spec(seed=8))
    assert train.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "test.parquet",
        "train.parquet",
        "truth.parquet",
    ]


@pytest.mark.parametrize("keep", [0, 3, 100, 0.5, 0.99])
def test_truncated_file(dataset, keep):
    _, train, *_ = dataset
    size = train.stat().st_size
    train.write_bytes(train.read_bytes()[: int(keep * size) if isinstance(keep, float) else keep])
    with pytest.raises(DatasetError, match=r"train\.parquet is truncated or not Parquet .*remove"):
        read_contexts(train)


def test_flipped_byte_in_the_numbers(dataset):
    _, train, *_ = dataset
    content = bytearray(train.read_bytes())
    content[500] ^= 0x10  # within the first page of x
    train.write_bytes(content)
    with pytest.raises(DatasetError, match=r"train\.parquet is truncated or not Parquet"):
        read_contexts(train, ("x", "y", "w"))


def test_foreign_files(tmp_path, dataset):
    foreign = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), foreign)
    with pytest.raises(DatasetError, match=r"foreign\.parquet is not a data set of this program"):
        read_contexts(foreign)
    marked = pa.schema([("x", pa.float64())], metadata={"nao": '{"format": "nao.dataset/99"}'})
    pq.write_table(pa.table({"x": [1.0]}, schema=marked), foreign)
    with pytest.raises(DatasetError, match=r"is not a data set of this program"):
        read_truth(foreign)
    with pytest.raises(DatasetError, match=r"absent\.parquet does not exist"):
        read_contexts(tmp_path / "absent.parquet")


def test_wrong_role_and_missing_columns(dataset):
    _, train, test, truth = dataset
    with pytest.raises(DatasetError, match=r"holds the role 'truth'; give a train or test file"):
        read_contexts(truth)
    with pytest.raises(DatasetError, match=r"holds the role 'train'; give a truth file"):
        read_truth(train)
    with pytest.raises(DatasetError, match=r"no column x_heldout, y_heldout; .*training file"):
        read_heldout(test)
    with pytest.raises(DatasetError, match=r"has no replicates"):
        read_contexts(test, replicate=0)
