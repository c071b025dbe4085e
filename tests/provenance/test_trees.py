"""What lies in a tree and is no plain file of a plain name, or may not be read."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.provenance import trees
from nao.provenance.audit import Verdict


def verdict(bench: Workbench, path: Path) -> tuple[Verdict, list[str]]:
    finding = bench.audit().findings[path]
    return finding.verdict, [reason.text for reason in finding.reasons]


@pytest.mark.parametrize("place", ["artefact", "record"])
def test_a_pipe_keeps_nobody_waiting(bench: Workbench, place: str):
    path = bench.path("claims") if place == "artefact" else bench.record("claims")
    path.unlink()
    os.mkfifo(path)
    found, reasons = verdict(bench, bench.path("claims"))
    assert found is Verdict.TAMPERED
    assert "no plain file" in reasons[0]


def test_a_name_of_any_bytes_is_told(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    folder = os.fsencode(bench.tree / "figures")
    for name in (b"na\xefve.png", b"two\nlines.png", b"\x1b[31mred.png"):
        Path(os.fsdecode(os.path.join(folder, name))).write_bytes(b"")
    monkeypatch.chdir(bench.clone)
    shown = CliRunner().invoke(app, ["audit", "results/laptop", "--all"]).stdout
    for name in (r"na\udcefve.png", r"two\nlines.png", r"\x1b[31mred.png"):
        assert f"unrecorded  figures/{name}\n" in shown
    told = json.loads(CliRunner().invoke(app, ["audit", "--json"]).stdout)
    assert told["counts"]["unrecorded"] == 3
    refused = CliRunner().invoke(app, ["audit", os.fsdecode(b"no\xefne")])
    assert refused.exit_code == 1


def test_only_a_file_of_the_recorded_size_is_read(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    sparse, longer = bench.tree / "figures" / "none.parquet", bench.path("claims")
    sparse.touch()
    for path in (sparse, longer):
        os.truncate(path, 1 << 40)
    read: list[Path] = []
    whole = trees.sha256_of
    monkeypatch.setattr(trees, "sha256_of", lambda path: read.append(path) or whole(path))
    assert verdict(bench, sparse) == (Verdict.UNRECORDED, ["has no record"])
    assert verdict(bench, longer)[0] is Verdict.TAMPERED
    assert bench.path("table") in read
    assert not {sparse, longer} & set(read)


@pytest.mark.parametrize("place", ["artefact", "record", "folder"])
def test_what_may_not_be_read_is_called_so(
    bench: Workbench, place: str, monkeypatch: pytest.MonkeyPatch
):
    model = bench.path("model")
    forbidden = {"artefact": model, "record": bench.record("model"), "folder": model.parent}[place]
    if os.getuid() == 0:  # who may read everything
        _forbid(monkeypatch, forbidden)
    else:
        forbidden.chmod(0)
    findings = bench.audit().findings
    assert findings[model].verdict is Verdict.UNREADABLE
    assert "Permission denied" in findings[model].reasons[0].text
    assert findings[bench.path("table")].verdict is Verdict.UNREADABLE
    assert findings[bench.path("scores2")].verdict is Verdict.VERIFIED
    if os.getuid() != 0:
        forbidden.chmod(0o700)


def test_what_lies_in_a_folder_that_another_user_closed_is_called_unreadable(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    closed = bench.path("png").parent
    plain = Path.is_dir

    def is_dir(path: Path) -> bool:
        if closed in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(Path, "is_dir", is_dir)
    _forbid(monkeypatch, closed)
    findings = bench.audit().findings
    assert findings[bench.path("png")].verdict is Verdict.UNREADABLE
    assert findings[bench.path("table")].verdict is Verdict.VERIFIED


def _forbid(monkeypatch: pytest.MonkeyPatch, forbidden: Path) -> None:
    """As the system does for any other user than root."""
    plain = Path.open

    def opened(path: Path, *arguments, **options):
        if path == forbidden or forbidden in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)


def test_no_path_is_cut_at_any_width(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(bench.clone)
    bench.flip("model")
    for width in ("20", "80"):
        shown = CliRunner().invoke(app, ["audit", "--all"], env={"COLUMNS": width}).stdout
        for name in bench.artefacts:
            assert f"  {name}\n" in shown
