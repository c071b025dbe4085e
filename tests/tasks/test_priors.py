"""Every prior: draws against its moments, and its posterior mean against independent answers."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import t as student

from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.specs.tasks import EmpiricalPriorSpec
from nao.tasks.noise import STUDENT_DEGREES
from nao.tasks.priors import TRAINING_IMAGES, EmpiricalPrior, LowRankPrior, draw_prior
from nao.tasks.problems import Problem, draw_problem, sample_contexts

PRIORS = {
    "gaussian": (6, {"rank": 2}),
    "uniform": (6, {"rank": 2, "law": "uniform"}),
    "student_t": (6, {"rank": 2, "law": "student_t"}),
    "cosines": (12, {"rank": 2, "basis": "cosines"}),
    "mixture": (6, {"kind": "mixture", "components": 3, "rank": 2, "variance": 0.5}),
    "sparse": (8, {"kind": "sparse", "nonzeros": 2, "variance": 3.0}),
    "bump": (10, {"kind": "bump"}),
    "digits": (64, {"kind": "empirical"}),
}


def problem(name: str, noise_std: float = 0.3, **noise) -> Problem:
    dimension, prior = PRIORS[name]
    values = {"dimension": dimension, "prior": prior, "noise": {"std": noise_std} | noise}
    return draw_problem(ProblemSpec.model_validate(values), 3)


@pytest.mark.parametrize("name", PRIORS)
def test_draws_have_the_stated_moments(name):
    truth = problem(name)
    count = 120_000 // truth.dimension
    w = truth.prior.draw(stream(0, "moments"), count, np.float64, "train")
    assert w.shape == (count, truth.dimension)
    deviation = w - truth.prior_mean
    std = np.sqrt(np.diag(truth.prior_covariance))
    assert np.all(np.abs(deviation.mean(axis=0)) <= 5 * std / np.sqrt(count) + 1e-12)
    products = deviation[:, :, None] * deviation[:, None, :]
    error = products.std(axis=0) / np.sqrt(count)
    # Some pixels are dark but in a few images: their error is not seen in draws.
    slack = 0.002 if name == "digits" else 1e-9
    assert np.all(np.abs(products.mean(axis=0) - truth.prior_covariance) <= 6 * error + slack)
    basis = truth.prior_basis
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-10)
    assert np.all(np.diff(truth.prior_variances) <= 0)
    if truth.prior.mixture is not None:
        covariance = truth.prior.mixture.covariance
        scale = np.abs(covariance).max()
        np.testing.assert_allclose(covariance, truth.prior_covariance, atol=1e-5 * scale)
        np.testing.assert_allclose(truth.prior.mixture.mean, truth.prior_mean, atol=1e-12)
    single = truth.prior.draw(stream(0, "moments"), 5, np.float32, "test")
    assert single.dtype == np.float32


@pytest.mark.parametrize("name", ["gaussian", "mixture", "student_t", "sparse", "bump", "digits"])
def test_no_estimate_near_the_posterior_mean_is_better(name):
    """E[w | X, Y] minimises the mean square: moving it along any feature of the data is a loss."""
    truth, count = problem(name), 500 if name == "bump" else 1500
    contexts = sample_contexts(truth, 4, count, stream(1, "contexts"))
    assert contexts.w is not None
    posterior = truth.posterior(contexts.x, contexts.y)
    assert posterior is not None
    best = posterior.mean
    error = contexts.w - best
    linear = best - truth.prior_mean
    gradient = np.einsum("bnd,bn->bd", contexts.x, contexts.y)
    for feature in (linear, gradient, np.tanh(gradient), np.abs(gradient)):
        products = np.sum(error * feature, axis=1)
        assert abs(products.mean()) < 5 * products.std() / np.sqrt(count)
    # and the square error is, on average, what the posterior says, however that varies
    excess = np.sum(error**2, axis=1) - posterior.variance
    for feature in (np.ones(count), posterior.variance):
        products = excess * feature
        assert abs(products.mean()) < 5 * products.std() / np.sqrt(count)


def test_the_posterior_of_students_t_against_one_dimensional_quadrature():
    truth = problem("student_t", 0.5)
    prior = truth.prior
    assert isinstance(prior, LowRankPrior)
    line = LowRankPrior("student_t", prior.mean, prior.basis[:, :1], prior.variances[:1])
    contexts = sample_contexts(truth, 2, 8, stream(2, "contexts"))
    y = contexts.y + 4 * np.arange(8)[:, None]  # some far out
    assert line.mixture is not None
    means, *_ = line.mixture.posterior(contexts.x, y, 0.5)
    scale = (STUDENT_DEGREES - 2) / STUDENT_DEGREES

    z = np.linspace(-60, 60, 120_001)
    prior_density = student.logpdf(z, STUDENT_DEGREES, scale=np.sqrt(scale))
    for x_j, y_j, mean in zip(contexts.x, y, means, strict=True):
        direction = x_j @ line.basis[:, 0] * np.sqrt(line.variances[0])
        residual = (y_j - x_j @ line.mean)[:, None] - np.outer(direction, z)
        logs = prior_density - np.sum(residual**2, axis=0) / (2 * 0.5**2)
        share = np.exp(logs - logs.max())
        found = line.basis[:, 0] @ (mean - line.mean) / np.sqrt(line.variances[0])
        np.testing.assert_allclose(found, share @ z / share.sum(), rtol=1e-4, atol=1e-4)


def test_the_posterior_of_bumps_against_a_finer_quadrature():
    truth = problem("bump", 0.2)
    contexts = sample_contexts(truth, 4, 10, stream(3, "contexts"))
    ours = truth.posterior(contexts.x, contexts.y)
    assert ours is not None
    # centres, widths and heights all on a grid, none in closed form
    d, sigma = 10, 0.2
    z = (np.arange(d) + 0.5) / d
    c = 0.2 + 0.6 * (np.arange(160) + 0.5) / 160
    s = 0.06 + 0.09 * (np.arange(40) + 0.5) / 40
    heights = np.linspace(-0.8, 2.8, 121)
    shapes = 3 / np.sqrt(d) * np.exp(-0.5 * ((z - c[:, None, None]) / s[:, None]) ** 2)
    shapes = shapes.reshape(-1, d)
    for x, y, mean in zip(contexts.x, contexts.y, ours.mean, strict=True):
        seen = shapes @ x.T
        squares = np.sum(seen**2, axis=1)[:, None] * heights**2
        logs = heights * (seen @ y)[:, None] - squares / 2
        logs = logs / sigma**2 - 0.5 * ((heights - 1) / 0.3) ** 2
        joint = np.exp(logs - logs.max())
        expected = (joint @ heights) @ shapes / joint.sum()
        np.testing.assert_allclose(mean, expected, atol=2e-3)


def test_noise_that_differs_between_contexts_is_inferred():
    truth, count = problem("gaussian", 0.3, spread=8.0), 4000
    contexts = sample_contexts(truth, 5, count, stream(4, "contexts"))
    assert contexts.w is not None
    posterior = truth.posterior(contexts.x, contexts.y)
    assert posterior is not None
    best = posterior.mean
    assert truth.prior.mixture is not None
    fixed, *_ = truth.prior.mixture.posterior(contexts.x, contexts.y, truth.noise_std)
    excess = np.sum((best - contexts.w) ** 2, axis=1) - posterior.variance
    assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(count)
    gain = np.sum((fixed - contexts.w) ** 2 - (best - contexts.w) ** 2, axis=1)
    assert gain.mean() > 4 * gain.std() / np.sqrt(count)


def test_what_has_no_posterior_says_so():
    contexts = sample_contexts(problem("uniform"), 4, 3, stream(5, "contexts"))
    assert problem("uniform").posterior(contexts.x, contexts.y) is None
    assert problem("gaussian", law="laplace").posterior(contexts.x, contexts.y) is None
    assert problem("gaussian", 0.0).posterior(contexts.x, contexts.y) is None


def test_weights_of_a_sparse_prior_are_sparse():
    w = problem("sparse").prior.draw(stream(6, "w"), 500, np.float64, "train")
    assert set(np.count_nonzero(w, axis=1)) == {2}
    assert np.all(np.count_nonzero(w, axis=0) > 60)  # of 125 on average


def test_training_and_test_images_are_disjoint_and_the_truth_knows_the_training_ones():
    prior = problem("digits").prior
    assert isinstance(prior, EmpiricalPrior)
    train, test = prior.images["train"], prior.images["test"]
    assert (len(train), len(test)) == (TRAINING_IMAGES, 1797 - TRAINING_IMAGES)
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}
    drawn = prior.draw(stream(7, "w"), 50, np.float64, "test")
    assert {image.tobytes() for image in drawn} <= {image.tobytes() for image in test}
    np.testing.assert_allclose(prior.mean, train.mean(axis=0))
    other = draw_prior(EmpiricalPriorSpec(kind="empirical"), 64, 4)
    assert isinstance(other, EmpiricalPrior)
    assert not np.array_equal(other.images["test"], test)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"prior": {"rank": 7}}, r"prior.rank = 7 exceeds dimension = 6"),
        ({"prior": {"kind": "sparse", "nonzeros": 7}}, r"prior.nonzeros = 7 exceeds"),
        ({"prior": {"kind": "empirical"}}, r"have 64 pixels; set dimension to 64"),
        ({"prior": {"rank": 7, "basis": "cosines"}}, r"exceeds the 6 functions"),
        ({"prior": {"rank": 4, "tilt": 10}}, r"prior.tilt = 10 .* lower prior.rank to 3"),
        ({"prior": {"rank": 1, "variance_min": 3}}, r"exceeds variance_max"),
        ({"noise": {"std": 0.1, "ratio": 0.1}}, r"exactly one says"),
        ({"noise": {}}, r"exactly one says"),
        ({"prior": {"kind": "cauchy"}}, r"cauchy"),
    ],
)
def test_what_cannot_be_is_refused(values, words):
    sound = {"dimension": 6, "prior": {"rank": 1}, "noise": {"std": 0.1}}
    with pytest.raises(ValueError, match=words):
        ProblemSpec.model_validate(sound | values)


@pytest.mark.parametrize("basis", ["haar", "cosines"])
def test_a_tilt_turns_every_direction_by_its_angle_and_leaves_the_rest(basis):
    sound = {"dimension": 12, "prior": {"rank": 3, "basis": basis}, "noise": {"std": 0.1}}
    straight = draw_problem(ProblemSpec.model_validate(sound), 5).prior
    for degrees in (0, 20, 90):
        sound["prior"]["tilt"] = degrees
        tilted = draw_problem(ProblemSpec.model_validate(sound), 5).prior
        angles = np.rad2deg(subspace_angles(straight.basis, tilted.basis))
        np.testing.assert_allclose(angles, degrees, atol=0.001)
        np.testing.assert_allclose(tilted.basis.T @ tilted.basis, np.eye(3), atol=0.2)
        np.testing.assert_array_equal(tilted.mean, straight.mean)


def test_noise_relative_to_the_signal():
    values = {
        "dimension": 10,
        "design": {"kind": "operator", "operator": "nonlocal"},
        "prior": {"kind": "bump"},
        "noise": {"ratio": 0.05},
    }
    truth = draw_problem(ProblemSpec.model_validate(values), 0)
    contexts = sample_contexts(truth, 1, 40_000, stream(8, "signal"))
    assert contexts.w is not None
    signal = np.einsum("bnd,bd->bn", contexts.x, contexts.w)
    np.testing.assert_allclose(truth.noise_std, 0.05 * np.sqrt(np.mean(signal**2)), rtol=0.03)
