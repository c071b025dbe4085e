from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from nao.analysis.metrics import rmse
from nao.demands import ORACLE
from nao.estimators.estimator import Estimator
from nao.estimators.replicates import in_every_replicate
from nao.estimators.table import ESTIMATORS
from nao.specs import DatasetSpec
from nao.tasks.datasets import read_contexts, read_truth, write_dataset
from nao.tasks.problems import Contexts
from tests.evaluated import DATASET
from tests.laws import problem_values
from tests.workflow.configurations import datasets

TINY = {
    "problem": problem_values(3, rank=1),
    "context_length": 1,
    "train_contexts": 1,
    "test_contexts": 2,
    "replicates": 1,
}
WIDE = TINY | {
    "problem": {
        "dimension": 7,
        "design": {"kind": "operator", "operator": "integral"},
        "prior": {"rank": 3, "variance_min": 0.01, "variance_max": 6e11},
        "noise": {"std": 1e-12},
    }
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A data set of two replicates."""
    folder: Path = tmp_path_factory.mktemp("dataset")
    paths = {role: folder / f"{role}.parquet" for role in ("train", "test", "truth")}
    values = DATASET | {"first_replicate": 5, "seed": 3}
    write_dataset(DatasetSpec.model_validate(values), *paths.values())
    return {role: str(path) for role, path in paths.items()}


def test_what_learns_is_fitted_to_each_replicate_by_itself(files):
    test = read_contexts(files["test"], ("x", "y", "w"))
    found, scores = in_every_replicate("two_stage_ridge", files, test, None)
    assert found.replicates == (5, 6)
    for w_hat, replicate in zip(found.w_hat, found.replicates, strict=True):
        training = read_contexts(files["train"], replicate=replicate)
        fitted = ESTIMATORS["two_stage_ridge"].fit(training)
        np.testing.assert_array_equal(w_hat, fitted.estimate(test))
        assert test.w is not None
        own = scores[(scores["replicate"] == replicate) & (scores["metric"] == "rmse")]
        assert own["score"].tolist() == [rmse(w_hat, test.w)]
    assert not np.array_equal(*found.w_hat)


def test_what_learns_nothing_answers_once(files):
    test = read_contexts(files["test"], ("x", "y", "w"))
    truth = read_truth(files["truth"])
    for name in ("ridge", "oracle_ridge"):
        found, scores = in_every_replicate(name, files, test, truth)
        assert found.replicates == (None,)
        assert scores["replicate"].isna().all()
    assert "posterior_rmse" in set(scores["metric"])


def test_without_an_answer_scores_are_nan_with_the_reason(files, monkeypatch):
    monkeypatch.setattr("nao.estimators.empirical_bayes.UNKNOWNS", 1)
    test = read_contexts(files["test"], ("x", "y", "w"))
    found, scores = in_every_replicate("empirical_bayes", files, test, None)
    assert np.isnan(found.w_hat).all()
    assert scores["score"].isna().all()
    assert set(scores["reason"].str.contains("more than the 1 of which EM")) == {True}


class Overflowing:
    """Its estimates are numbers, and their variance is lost in rounding."""

    def estimate(self, test: Contexts) -> np.ndarray:
        return np.ones((len(test), test.x.shape[2]))

    def variance(self, test: Contexts) -> np.ndarray:
        return np.full(len(test), np.nan)


def test_a_score_that_is_no_number_has_its_reason_and_the_others_have_none(files, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "overflowing", Estimator(Overflowing))
    test = read_contexts(files["test"], ("x", "y", "w"))
    found, scores = in_every_replicate("overflowing", files, test, None)
    assert np.isfinite(found.w_hat).all()
    lost = scores["metric"] == "posterior_rmse"
    assert lost.any()
    assert (scores["score"].isna() == lost).all()
    assert (scores["reason"].notna() == lost).all()
    assert scores["reason"][lost].str.endswith("sizes in these data lie too far apart").all()


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@given(datasets(st.integers(1, 30)))
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@example(TINY)
@example(WIDE)
def test_every_estimator_answers_or_says_why_not(values):
    try:
        spec = DatasetSpec.model_validate(values | {"seed": 3})
    except ValidationError:
        reject()
    with TemporaryDirectory() as folder:
        files = {role: str(Path(folder, f"{role}.parquet")) for role in ("train", "test", "truth")}
        write_dataset(spec, *map(Path, files.values()))
        test, truth = read_contexts(files["test"], ("x", "y", "w")), read_truth(files["truth"])
        for name in ESTIMATORS:
            found, scores = in_every_replicate(name, files, test, truth)
            assert len(found.replicates) in (1, spec.replicates)
            answered = scores["score"].notna()
            assert (answered == scores["reason"].isna()).all(), name
            if name == ORACLE:  # which every figure holds errors against
                assert answered.all()
