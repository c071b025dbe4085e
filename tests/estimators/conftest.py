"""Problems and contexts that the estimators are tested on."""

from collections.abc import Callable

import pytest

from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import Contexts, Problem, draw_problem, sample_contexts

Draw = Callable[..., tuple[Problem, Contexts]]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """draw(count, n, role=…, **specification): a problem, the same for all roles, and contexts."""

    def draw(count: int, n: int, role: str = "train", **specification) -> tuple[Problem, Contexts]:
        spec = {"dimension": 8, "task_dimension": 2, "noise_std": 0.1} | specification
        problem = draw_problem(ProblemSpec.model_validate(spec), 0)
        return problem, sample_contexts(problem, n, count, stream(0, role))

    return draw
