import numpy as np
import pytest

from nao.seeding import stream
from nao.specs.tasks import OperatorDesignSpec
from nao.tasks.designs import DENSITY_RMS, MEAN_DENSITY, OperatorDesign

OPERATORS = ("integral", "nonlocal", "aggregation")


def design(operator: str, dimension: int = 12, **changes) -> OperatorDesign:
    values = {"kind": "operator", "operator": operator, **changes}
    return OperatorDesign(OperatorDesignSpec.model_validate(values), dimension)


@pytest.mark.parametrize("operator", OPERATORS)
def test_rows_have_the_analytic_second_moment_and_mean_zero(operator):
    drawn = design(operator)
    contexts = 12_000
    # One row a context: rows are then independent.
    rows = drawn.draw(stream(0, "design"), contexts, 1, np.float64)[:, 0]
    second = rows[:, :, None] * rows[:, None, :]
    error = second.std(axis=0) / np.sqrt(contexts)
    assert np.all(np.abs(second.mean(axis=0) - drawn.covariance) < 5 * error + 1e-12)
    assert np.all(np.abs(rows.mean(axis=0)) < 5 * rows.std(axis=0) / np.sqrt(contexts) + 1e-12)
    np.testing.assert_allclose(np.linalg.eigvalsh(drawn.covariance)[-1], 1)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_row_is_the_kernel_of_its_function(operator):
    """Against g[u](x, z) from the series of u itself, its derivative by central differences."""
    drawn = design(operator, modes=7, smoothness=1.5)
    rng = stream(1, "function")
    xi, eta = rng.standard_normal((2, 7))
    x = 0.37
    waves = drawn.amplitudes * (xi - 1j * eta) * np.exp(1j * x * drawn.frequencies)
    offset = MEAN_DENSITY if operator == "aggregation" else 0.0

    def u(at):
        angle = np.multiply.outer(at, np.pi * np.arange(1, 8))
        return offset + (np.cos(angle) * xi + np.sin(angle) * eta) @ drawn.amplitudes

    z, h = drawn.mesh, 1e-5
    if operator == "integral":
        expected = u(x - z)
    elif operator == "nonlocal":
        expected = u(x + z) - u(x)
    else:
        expected = (u(x + h - z) * u(x + h) - u(x - h - z) * u(x - h)) / (2 * h)
    np.testing.assert_allclose(drawn.kernel_values(waves, z), expected, atol=1e-8)


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_mesh_integrates_the_operator(operator):
    """Xw on 40 midpoints against the integral on 4,000, for the same functions and points."""
    coarse = design(operator, 40)
    rng = stream(2, "quadrature")
    waves = coarse.amplitudes * (rng.standard_normal((50, 30)) - 1j * rng.standard_normal((50, 30)))

    def kernel(z):
        return np.cos(2 * z) + np.exp(-((z - 0.4) ** 2) / 0.02)

    fine = (np.arange(4000) + 0.5) / 4000
    exact = coarse.kernel_values(waves, fine) @ kernel(fine) / 4000
    rows = coarse.kernel_values(waves, coarse.mesh) / np.sqrt(40)
    approximate = rows @ (kernel(coarse.mesh) / np.sqrt(40))
    difference = np.sqrt(np.mean((exact - approximate) ** 2) / np.mean(exact**2))
    assert difference < 0.005


def test_amplitudes_have_the_stated_size():
    for operator, rms in (("integral", 1), ("nonlocal", 1), ("aggregation", DENSITY_RMS)):
        amplitudes = design(operator, smoothness=1.0).amplitudes
        np.testing.assert_allclose(np.sum(amplitudes**2), rms**2)
        np.testing.assert_allclose(amplitudes[0] / amplitudes[9], 10)


def test_rows_of_one_function_are_dependent_and_exchangeable():
    drawn = design("integral", functions=1).draw(stream(3, "rows"), 4000, 2, np.float64)
    squares = np.sum(drawn**2, axis=2)
    assert np.corrcoef(squares.T)[0, 1] > 0.2  # a large function makes all its rows large
    many = design("integral", functions=50).draw(stream(3, "rows"), 2000, 2, np.float64)
    assert abs(np.corrcoef(np.sum(many**2, axis=2).T)[0, 1]) < 0.15


def test_the_precision_is_as_asked():
    assert design("nonlocal").draw(stream(4, "rows"), 3, 5, np.float32).dtype == np.float32
