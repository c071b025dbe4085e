"""The notebook runs on what the workflow made, with pandas and matplotlib alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.workflow.clone import ROOT, Clone

NOTEBOOK = ROOT / "docs" / "own_figure.ipynb"
LARGEST = 10_000  # bytes: no outputs are committed
SHOWN = """
assert list(figure.axes) and len(axes.lines) == ratios.shape[1] > 3
assert (ratios["oracle_ridge"] == 1).all() and ratios.notna().all(axis=None)
assert set(last["status"]) == {"done"} and set(claims["verdict"]) > {"holds"}
"""


@pytest.fixture(scope="module")
def cells() -> list[str]:
    """The code of its cells, in order."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    return [cell.source for cell in code]


def test_it_holds_no_outputs_and_imports_nothing_of_ours(cells: list[str]):
    assert NOTEBOOK.stat().st_size < LARGEST
    imported = re.findall(r"^(?:import|from) (\w+)", "\n".join(cells), re.MULTILINE)
    assert set(imported) == {"os", "pathlib", "matplotlib", "pandas"}


@pytest.mark.parametrize("folder", [".", "docs"])
def test_its_cells_run_on_a_finished_tree(cells: list[str], finished: Clone, tmp_path, folder):
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    (tmp_path / "results").symlink_to(finished.folder / "results")
    program = Path(tmp_path / "cells.py")
    program.write_text("\n\n".join([*cells, SHOWN]), encoding="utf-8")
    environment = os.environ | {"NAO_RESULTS": "results/smoke", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, program], cwd=place, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
