from typing import get_args

import numpy as np
import pytest

from nao.seeding import stream
from nao.specs.tasks import NoiseSpec
from nao.tasks.noise import STUDENT_DEGREES, UNIT_LAWS, Noise


@pytest.mark.parametrize(
    ("law", "fourth_moment"),
    [("gaussian", 3), ("uniform", 9 / 5), ("laplace", 6), ("student_t", 9)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_law_is_standardised_and_has_its_own_shape(law, fourth_moment, dtype):
    assert STUDENT_DEGREES == 5  # whose kurtosis is 9
    draws = UNIT_LAWS[law](stream(0, "law", law), (400_000,), dtype)
    assert draws.dtype == dtype
    draws = draws.astype(float)
    error = np.sqrt(fourth_moment / draws.size)
    assert abs(draws.mean()) < 5 * error
    assert abs(draws.var() - 1) < 5 * error
    # E z⁴ of the t law has infinite variance, so a loose band that still tells the laws apart
    np.testing.assert_allclose(np.mean(draws**4), fourth_moment, rtol=0.25)


def test_every_law_of_the_configuration_is_implemented():
    assert set(get_args(NoiseSpec.model_fields["law"].annotation)) == set(UNIT_LAWS)


def test_contexts_that_differ_in_noise_have_the_stated_variance_and_share_it_by_row():
    noise = Noise("gaussian", 0.5, spread=4.0)
    drawn = noise.draw(stream(0, "spread"), (4000, 200), np.float64)
    by_context = np.sqrt(np.mean(drawn**2, axis=1))
    # log-uniform between 0.125 and 2, seen through 200 rows: to 1/√400, five times that at most
    np.testing.assert_allclose(by_context.min(), 0.125, rtol=0.25)
    np.testing.assert_allclose(by_context.max(), 2, rtol=0.25)
    np.testing.assert_allclose(np.mean(drawn**2), noise.std**2, rtol=0.1)
    nodes, weights = noise.quadrature()
    np.testing.assert_allclose(weights.sum(), 1)
    np.testing.assert_allclose(weights @ nodes**2, noise.std**2, rtol=1e-10)
    # The median of σ is the centre: half of all contexts lie below.
    assert abs(np.mean(by_context < 0.5) - 0.5) < 0.03


def test_one_noise_for_all_contexts_costs_no_draw():
    plain, other = stream(0, "one"), stream(0, "one")
    drawn = Noise("gaussian", 0.5).draw(plain, (3, 4), np.float64)
    np.testing.assert_array_equal(drawn, 0.5 * other.standard_normal((3, 4)))
