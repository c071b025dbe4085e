"""A small results tree, made by real jobs: data, a fit, a table, a figure, each with its record."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench import Workbench, one_table


@pytest.fixture(autouse=True)
def _one_table() -> Iterator[None]:
    # For a test at a time: what is patched for longer is seen by tests of other folders.
    with one_table():
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with all its results; copied, never changed."""
    clone = tmp_path_factory.mktemp("finished") / "clone"
    bench = Workbench(clone)
    with one_table():
        bench.write_sources()
        bench.make_all()
    return clone


@pytest.fixture
def bench(finished: Path, tmp_path: Path) -> Workbench:
    """A copy of the finished clone, to be tampered with."""
    return Workbench.copy_of(finished, tmp_path / "clone")
