"""Problems and contexts that the estimators are tested on."""

from collections.abc import Callable

import pytest

from nao.seeding import stream
from nao.tasks.problems import Contexts, Problem, draw_problem, sample_contexts
from tests.laws import problem_spec

Draw = Callable[..., tuple[Problem, Contexts]]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """draw(count, n, role=…, **specification): a problem, the same for all roles, and contexts."""

    def draw(count: int, n: int, role: str = "train", **specification) -> tuple[Problem, Contexts]:
        problem = draw_problem(problem_spec(**({"dimension": 8} | specification)), 0)
        return problem, sample_contexts(problem, n, count, stream(0, role))

    return draw
