"""One full run of the workflow, shared by all tests here; each works on a copy of it."""

from pathlib import Path

import pytest

from tests.workflow.clone import Clone


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("workflow"))  # one process shares the run


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A finished clone, never changed, and what its run printed."""
    clone = Clone.of_sources(tmp_path_factory.mktemp("finished") / "clone")
    return clone, clone.make("--logger", "nao")


@pytest.fixture(scope="session")
def finished(first_run: tuple[Clone, str]) -> Clone:
    return first_run[0]


@pytest.fixture
def clone(finished: Clone, tmp_path: Path) -> Clone:
    """A finished clone to change."""
    return finished.copy(tmp_path / "clone")
