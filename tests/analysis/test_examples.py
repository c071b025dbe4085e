import numpy as np
import pytest

from nao.analysis.examples import COLUMNS, SHOWN, tabulate_examples
from tests.evaluated import contexts, problem, read_estimates, smoke_plan, smoke_tables


@pytest.fixture
def table():
    return smoke_tables()["digits_examples"]


def test_the_first_contexts_stand_beside_every_estimate_of_them(table):
    points = smoke_plan().experiments["digits"].points
    assert list(table.columns) == list(COLUMNS)
    for point in points:
        own = table[table["value"] == point.value]
        test = contexts(point.dataset, "test")
        assert test.w is not None
        true = own[own["kind"] == "true"].set_index("context")["values"]
        assert list(true.index) == list(range(SHOWN))
        np.testing.assert_array_equal(np.stack(list(true)), test.w[:SHOWN])
        morb = read_estimates("morb", point.runs["morb"]).w_hat[0, :SHOWN]
        learned = own[own["estimator"] == "morb"]
        np.testing.assert_array_equal(np.stack(list(learned["values"])), morb)
        np.testing.assert_allclose(
            learned["error"], np.linalg.norm(morb - test.w[:SHOWN], axis=1), rtol=1e-6
        )
        assert set(learned["source"]) == {point.runs["morb"]}
        assert set(own["estimator"].dropna()) == {
            *smoke_plan().experiments["digits"].baselines,
            *point.runs,
        }


def test_the_design_and_the_noise_of_a_setting():
    table = smoke_tables()["operators_examples"]
    for point in smoke_plan().experiments["operators"].points:
        own = table[table["setting"] == point.setting].set_index("kind")["values"]
        truth = problem(point.dataset)
        spectrum = np.linalg.svd(truth.design_covariance, compute_uv=False)
        np.testing.assert_allclose(own["design"], spectrum, atol=1e-12)
        n = smoke_plan().datasets[point.dataset].context_length
        np.testing.assert_allclose(own["noise"], [truth.noise_std**2 / n])


def test_estimates_of_other_tasks_are_not_kept():
    name = "shifted_noise"
    experiment = smoke_plan().experiments[name]
    with pytest.raises(ValueError, match="only scores are kept"):
        tabulate_examples(
            name,
            experiment,
            smoke_plan().datasets,
            lambda dataset: (problem(dataset), contexts(dataset, "test")),
            read_estimates,
        )
