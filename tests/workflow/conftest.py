"""One full run of the workflow, shared by all tests here; each works on a copy of it."""

from pathlib import Path

import pytest
from filelock import FileLock

from tests.workflow.clone import Clone


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Clone, str]:
    """A finished clone, never changed, and what its run printed; of all test processes together."""
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "finished"
    clone, said = Clone(shared / "clone"), shared / "said.txt"
    with FileLock(f"{shared}.lock"):
        if not said.exists():
            Clone.of_sources(clone.folder)
            said.write_text(clone.make("--logger", "nao"))
    return clone, said.read_text()


@pytest.fixture(scope="session")
def finished(first_run: tuple[Clone, str]) -> Clone:
    return first_run[0]


@pytest.fixture
def clone(finished: Clone, tmp_path: Path) -> Clone:
    """A finished clone to change."""
    return finished.copy(tmp_path / "clone")
