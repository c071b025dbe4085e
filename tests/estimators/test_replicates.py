from pathlib import Path

import numpy as np
import pytest

from nao.analysis.metrics import rmse
from nao.estimators.replicates import in_every_replicate
from nao.estimators.table import ESTIMATORS
from nao.specs import DatasetSpec
from nao.tasks.datasets import read_contexts, read_truth, write_dataset
from tests.evaluated import DATASET


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
