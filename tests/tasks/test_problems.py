import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import draw_problem, sample_contexts
from tests.laws import problem_spec


def spec(**changes) -> ProblemSpec:
    return problem_spec(**({"dimension": 6} | changes))


@settings(max_examples=25)
@given(
    d=st.integers(1, 12),
    rank=st.integers(1, 12),
    condition=st.sampled_from([1.0, 3.0, 100.0]),
    seed=st.integers(0, 2**32),
)
def test_a_problem_is_what_its_specification_says(d, rank, condition, seed):
    rank = min(rank, d)
    if d == 1:
        condition = 1.0
    problem = draw_problem(spec(dimension=d, rank=rank, condition=condition), seed)
    assert (problem.dimension, problem.task_dimension) == (d, rank)
    np.testing.assert_allclose(
        problem.prior_basis.T @ problem.prior_basis, np.eye(rank), atol=1e-12
    )
    assert problem.prior_variances[0] == 2
    assert np.all(np.diff(problem.prior_variances) < 0)
    assert rank == 1 or problem.prior_variances[-1] == 1
    eigenvalues = np.linalg.eigvalsh(problem.design_covariance)
    np.testing.assert_allclose(eigenvalues, np.logspace(-np.log10(condition), 0, d))
    assert np.linalg.matrix_rank(problem.prior_covariance, hermitian=True) == rank
    np.testing.assert_allclose(np.trace(problem.prior_covariance), problem.prior_variances.sum())


def test_points_of_a_sweep_share_their_problem():
    base = draw_problem(spec(), 5)
    wider = draw_problem(spec(rank=4), 5)
    noisier = draw_problem(spec(noise_std=1.0, noise="laplace", law="uniform"), 5)
    stretched = draw_problem(spec(condition=10), 5)
    more_stretched = draw_problem(spec(condition=100), 5)
    np.testing.assert_array_equal(wider.prior_basis[:, :2], base.prior_basis)
    for other in (wider, noisier, stretched):
        np.testing.assert_array_equal(other.prior_mean, base.prior_mean)
    np.testing.assert_array_equal(stretched.prior_basis, base.prior_basis)
    product = stretched.design_covariance @ more_stretched.design_covariance
    np.testing.assert_allclose(product, product.T, atol=1e-14)  # one eigenbasis: they commute
    assert not np.allclose(draw_problem(spec(), 6).prior_mean, base.prior_mean)


def test_the_prior_mean_has_the_stated_norm_on_average():
    squares = [np.sum(draw_problem(spec(mean_norm=3), s).prior_mean ** 2) for s in range(400)]
    # ‖w_0‖² = 9 χ²_6 / 6, of standard deviation 9 sqrt(2/6)
    assert abs(np.mean(squares) - 9) < 4 * 9 * np.sqrt(2 / 6) / np.sqrt(400)


@pytest.mark.parametrize("prior", ["gaussian", "uniform"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contexts_have_the_moments_of_the_problem(prior, dtype):
    problem = draw_problem(spec(condition=5, law=prior), 1)
    count = 20_000
    contexts = sample_contexts(problem, 3, count, stream(1, "moments"), dtype)
    assert contexts.x.shape == (count, 3, 6)
    assert contexts.y.shape == (count, 3)
    assert contexts.w is not None
    assert {contexts.x.dtype, contexts.y.dtype, contexts.w.dtype} == {np.dtype(dtype)}

    w, rows = contexts.w.astype(float), contexts.x.reshape(-1, 6).astype(float)
    # Five standard errors of the entries, whose variance is at most 3 λ_max² for each of these laws
    np.testing.assert_allclose(w.mean(0), problem.prior_mean, atol=5 * np.sqrt(2 / count))
    np.testing.assert_allclose(
        np.cov(w.T), problem.prior_covariance, atol=5 * 2 * np.sqrt(3 / count)
    )
    np.testing.assert_allclose(
        rows.T @ rows / len(rows), problem.design_covariance, atol=5 * np.sqrt(3 / len(rows))
    )
    residual = contexts.y - np.einsum("bnd,bd->bn", contexts.x, contexts.w)
    np.testing.assert_allclose(residual.var(), 0.01, rtol=5 * np.sqrt(2 / residual.size))


def test_weights_vary_in_the_span_of_the_prior_basis_alone():
    problem = draw_problem(spec(), 2)
    w = sample_contexts(problem, 1, 50, stream(2, "span")).w
    assert w is not None
    u = problem.prior_basis
    deviation = w - problem.prior_mean
    np.testing.assert_allclose(deviation, deviation @ u @ u.T, atol=1e-12)


def test_contexts_without_noise_lie_on_the_plane():
    contexts = sample_contexts(draw_problem(spec(noise_std=0), 3), 4, 5, stream(3, "plane"))
    assert contexts.w is not None
    np.testing.assert_allclose(contexts.y, np.einsum("bnd,bd->bn", contexts.x, contexts.w))
