import numpy as np

from nao.analysis.metrics import rmse
from nao.estimators.l_curve import ENDS, ridge_l_curve
from nao.estimators.ridge import ridge
from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import draw_problem, sample_contexts


def curve(x, y, mu):
    """log misfit and log size of the ridge solutions, one dense solve a penalty."""
    w_hat = np.stack([np.linalg.solve(x.T @ x + m * np.eye(x.shape[1]), x.T @ y) for m in mu])
    misfit = np.linalg.norm(w_hat @ x.T - y, axis=1)
    return w_hat, np.log(misfit), np.log(np.linalg.norm(w_hat, axis=1))


def circle_curvature(a, b):
    """Signed inverse radius of the circle through each three neighbours of a curve."""
    before, after = np.diff([a, b])[:, :-1], np.diff([a, b])[:, 1:]
    area = before[0] * after[1] - before[1] * after[0]
    sides = [np.hypot(*v) for v in (before, after, before + after)]
    return 2 * area / np.prod(sides, axis=0)


def test_the_corner_is_where_circles_through_the_curve_are_smallest(draw):
    _, contexts = draw(12, 5, noise_std=0.3, condition=100)
    estimates = ridge_l_curve(contexts.x, contexts.y)
    for x, y, w_hat in zip(contexts.x, contexts.y, estimates, strict=True):
        s = np.linalg.svd(x, compute_uv=False)
        mu = np.geomspace(s[-1], s[0], 200) ** 2
        family, misfit, size = curve(x, y, mu)
        bend = circle_curvature(misfit, size)[ENDS - 1 : 1 - ENDS]  # of points ENDS … 199 − ENDS
        chosen = np.linalg.norm(family - w_hat, axis=1).argmin()
        np.testing.assert_allclose(w_hat, family[chosen], atol=1e-6)
        assert abs(chosen - (ENDS + bend.argmax())) <= 2


def test_it_shuns_the_rare_disasters_of_cross_validation():
    """Few correlated rows: GCV now and then takes almost no penalty, and noise fills ŵ."""
    values = {
        "dimension": 20,
        "design": {"kind": "operator", "operator": "integral"},
        "prior": {"rank": 2, "basis": "cosines"},
        "noise": {"ratio": 0.05},
    }
    problem = draw_problem(ProblemSpec.model_validate(values), 0)
    test = sample_contexts(problem, 10, 1000, stream(0, "contexts"))
    assert test.w is not None
    assert rmse(ridge_l_curve(test.x, test.y), test.w) < 0.8 * rmse(ridge(test.x, test.y), test.w)


def test_nothing_to_see_gives_nothing():
    np.testing.assert_array_equal(ridge_l_curve(np.zeros((2, 3, 4)), np.ones((2, 3))), 0)
