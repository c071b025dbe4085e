import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.analysis.prior import (
    RecoveredPrior,
    corrected_prior,
    prior_distance,
    raw_prior,
    spectral_rank,
    true_prior,
)
from nao.estimators.oracle import oracle_ridge
from nao.estimators.ridge import ridge
from nao.seeding import stream
from nao.tasks.problems import draw_problem, sample_contexts
from tests.laws import problem_spec


def drawn(count=4000, **changes):
    problem = draw_problem(problem_spec(10, **({"noise_std": 1.0} | changes)), 3)
    contexts = sample_contexts(problem, 5, count, stream(3, "fresh"))
    return problem, contexts, oracle_ridge(problem).estimate(contexts)


def test_the_raw_prior_is_the_sample_moments():
    _, _, w_hat = drawn(50)
    raw = raw_prior(w_hat)
    np.testing.assert_allclose(raw.mean, w_hat.mean(0))
    np.testing.assert_allclose(raw.covariance, np.cov(w_hat.T))
    vectors, values = raw.eigenvectors, raw.eigenvalues
    assert np.all(np.diff(values) <= 0)
    np.testing.assert_allclose(vectors * values @ vectors.T, raw.covariance, atol=1e-12)


@pytest.mark.parametrize("noise_std", [0.1, 1.0])
@pytest.mark.parametrize("rank", [1, 3])
def test_the_oracles_outputs_give_the_prior_back_without_knowing_it(noise_std, rank):
    problem, contexts, w_hat = drawn(20_000, noise_std=noise_std, rank=rank)
    raw = raw_prior(w_hat)
    corrected = corrected_prior(w_hat, contexts.x, noise_std)
    before, after = prior_distance(raw, problem), prior_distance(corrected, problem)
    assert before.rank == after.rank == after.true_rank == rank
    # relative standard error of a covariance with 20 000 draws, times four
    assert after.covariance_error < 4 * np.sqrt((rank + 1) / 20_000)
    assert after.mean_error < 4 * np.sqrt(2 * rank / 20_000) / np.linalg.norm(problem.prior_mean)
    assert after.principal_angle < 1e-6  # ORE's outputs lie in the task space exactly
    if noise_std == 1.0:
        assert before.covariance_error > 3 * after.covariance_error


def test_the_correction_solves_its_own_equation():
    problem, contexts, w_hat = drawn(500, noise_std=0.7)
    corrected = corrected_prior(w_hat, contexts.x, problem.noise_std)
    basis, variances = corrected.eigenvectors[:, :2], corrected.eigenvalues[:2]
    z = contexts.x @ basis
    precision = np.diag(1 / variances) + z.transpose(0, 2, 1) @ z / problem.noise_std**2
    correction = basis @ np.linalg.inv(precision).mean(0) @ basis.T
    np.testing.assert_allclose(corrected.covariance, np.cov(w_hat.T) + correction, atol=1e-8)


def test_an_estimator_that_holds_no_prior_shows_none():
    problem, contexts, _ = drawn(2000)
    distance = prior_distance(raw_prior(ridge(contexts.x, contexts.y)), problem)
    assert distance.mean_error > 0.3
    assert distance.covariance_error > 0.5


def test_the_truth_is_at_distance_zero_and_a_rotation_at_its_angle():
    problem, _, _ = drawn(2)
    truth = true_prior(problem)
    distance = prior_distance(truth, problem)
    assert distance.rank == distance.true_rank == 2
    assert distance.mean_error == distance.covariance_error == 0
    assert distance.principal_angle < 1e-7

    inside, outside = truth.eigenvectors[:, 1], truth.eigenvectors[:, 5]
    turned = truth.eigenvectors.copy()
    turned[:, 1] = np.cos(0.3) * inside + np.sin(0.3) * outside
    turned[:, 5] = np.cos(0.3) * outside - np.sin(0.3) * inside
    covariance = turned * truth.eigenvalues @ turned.T
    rotated = RecoveredPrior(2 * truth.mean, covariance, truth.eigenvalues, turned, 2)
    distance = prior_distance(rotated, problem)
    np.testing.assert_allclose(distance.principal_angle, 0.3)
    np.testing.assert_allclose(distance.mean_error, 1)
    # Σ_w − its rotation: λ (ii − i'i'), of Frobenius norm λ √2 sin 0.3, over ‖Λ‖ = √5
    np.testing.assert_allclose(distance.covariance_error, np.sqrt(2 / 5) * np.sin(0.3))


@settings(max_examples=60)
@given(
    st.integers(2, 20).flatmap(lambda d: st.tuples(st.just(d), st.integers(1, d - 1))),
    st.floats(0, 0.02),
    st.floats(1e-6, 1e6),
)
def test_the_rank_of_a_spread_spectrum_over_a_floor(shape, floor, unit):
    d, rank = shape
    spectrum = np.concatenate([np.linspace(2, 1, rank), np.linspace(floor, 0, d - rank)])
    assert spectral_rank(spectrum * unit) == rank


@pytest.mark.parametrize(("spectrum", "rank"), [([3.0], 1), ([0.0, 0.0], 1), ([1.0, -1e-17], 1)])
def test_the_rank_of_degenerate_spectra(spectrum, rank):
    assert spectral_rank(np.array(spectrum)) == rank


def test_a_single_estimate_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2 contexts"):
        raw_prior(np.zeros((1, 4)))
