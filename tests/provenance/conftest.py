"""A small results tree, made by real jobs: data, a fit, a table, a figure, each with its record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from workbench import Workbench

from nao import jobs


@contextmanager
def one_table() -> Iterator[None]:
    """The small clone has one sweep, which its one figure and its one claim read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(jobs.FIGURES, "fig3", replace(jobs.FIGURES["fig3"], tables=("noise",)))
        patch.setattr(jobs, "CLAIM_TABLES", ("noise",))
        yield


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
