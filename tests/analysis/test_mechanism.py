"""Algorithms against their own steps, and what layers hold against layers that are known."""

import numpy as np
import pytest

from nao.analysis.mechanism import (
    ALGORITHMS,
    ITERATIONS,
    code_angles,
    describe,
    iterates,
    prior_span,
    scaled,
)
from nao.analysis.metrics import rmse
from nao.estimators.oracle import oracle_ridge
from nao.seeding import stream
from nao.tasks.problems import Contexts, Problem, draw_problem, sample_contexts
from tests.laws import problem_spec

N, D, R = 8, 10, 2


@pytest.fixture(scope="module")
def truth() -> Problem:
    return draw_problem(problem_spec(D, rank=R, noise_std=0.3), 1)


@pytest.fixture(scope="module")
def test_contexts(truth) -> Contexts:
    return sample_contexts(truth, N, 200, stream(0, "contexts"))


def by_steps(name: str, s: np.ndarray, y: np.ndarray, ridge: float, a: float) -> list[np.ndarray]:
    """z_0 … z_K of one context by matrices, as the algorithms are told."""
    h, b = s.T @ s + ridge * np.eye(s.shape[1]), s.T @ y
    if name == "newton":
        inverse, found = a**2 * h, []
        for _ in range(ITERATIONS + 1):
            found.append(inverse @ b)
            inverse = 2 * inverse - inverse @ h @ inverse
        return found
    z, r, found = np.zeros_like(b), y.copy(), []
    for _ in range(ITERATIONS + 1):
        found.append(z)
        if name == "gradient":
            z = z + a * (b - h @ z)
        else:
            z = z + a * s.T @ r
            r = r - s @ z
    return found


@pytest.mark.parametrize("name", ALGORITHMS)
def test_filters_are_the_algorithms_steps(name):
    rng = stream(0, "algorithm")
    s, y = rng.standard_normal((N, R)), rng.standard_normal(N)
    values, directions = np.linalg.eigh(s.T @ s)
    filters = ALGORITHMS[name](values[None], 0.2, 0.05)
    expected = by_steps(name, s, y, 0.2, 0.05)
    assert len(filters) == len(expected) == ITERATIONS + 1
    for each, z in zip(filters, expected, strict=True):
        np.testing.assert_allclose(directions * each[0] @ directions.T @ s.T @ y, z, atol=1e-9)


def test_gradient_and_newton_come_to_the_oracle(truth, test_contexts):
    found = iterates(truth, test_contexts)
    exact = oracle_ridge(truth).estimate(test_contexts)
    away = {
        name: np.sqrt(np.mean(np.sum((steps - exact) ** 2, -1), -1))
        for name, steps in found.items()
    }
    assert away["newton"][-1] < 0.5 * away["gradient"][-1] < 0.1 * away["gradient"][0]
    # from no knowledge of the context
    np.testing.assert_allclose(found["gradient"][0] - truth.prior_mean, 0, atol=1e-12)
    assert away["leapfrog"].min() < away["leapfrog"][0]


def test_an_estimate_is_seen_up_to_its_size_and_place(test_contexts):
    w = test_contexts.w
    np.testing.assert_allclose(scaled(0.01 * w + np.arange(D), w), w, atol=1e-9)
    np.testing.assert_allclose(scaled(np.zeros_like(w), w), np.broadcast_to(w.mean(0), w.shape))


def test_angles_of_codes_that_hold_the_prior_and_of_those_that_do_not(truth):
    span = prior_span(truth)
    assert span.shape == (D, R + 1)
    held = code_angles(stream(0, "mixing").standard_normal((4, R + 1)) @ span.T, truth)
    assert set(held) == {"w_0", "U"}
    assert max(angles.max() for angles in held.values()) < 1e-5
    beside = np.linalg.svd(span)[0][:, R + 1 :].T
    for angles in code_angles(beside, truth).values():
        np.testing.assert_allclose(angles, 90)


def test_a_run_is_described_by_what_its_layers_say(truth, test_contexts):
    found, exact = iterates(truth, test_contexts), oracle_ridge(truth).estimate(test_contexts)
    layers = np.stack([3 * found["gradient"][2], exact])[None].repeat(2, axis=0)
    layers[1] = np.nan  # a failed training
    codes = {"angle": np.stack([prior_span(truth).T, np.full((R + 1, D), np.nan)])}
    shares = np.array([[0.2, 0.7], [np.nan, np.nan]])
    table = describe(layers, shares, codes, (4, 5), truth, test_contexts)
    distances = table[(table["replicate"] == 4) & (table["metric"] == "distance")]
    distances = distances.set_index(["against", "layer", "iteration"]).sort_index()["score"]
    for name, steps in found.items():
        for layer, w_hat in enumerate(layers[0]):
            said = scaled(w_hat, test_contexts.w)
            expected = [rmse(said, iterate) for iterate in steps]
            np.testing.assert_allclose(distances[name, layer], expected)
    assert distances["newton", 1].idxmin() == ITERATIONS
    errors = table[(table["metric"] == "rmse") & table["layer"].notna()]
    errors = errors.set_index(["replicate", "layer"])["score"]
    assert errors[4, 1] < errors[4, 0]
    assert errors[[(5, 0), (5, 1)]].isna().all()
    assert set(table.loc[table["metric"] == "angle", "replicate"]) == {4}
    expected = table[table["against"] == "oracle"]["score"].item()
    np.testing.assert_allclose(expected, errors[4, 1], rtol=0.1)
