"""Ways to fool the audit, each with the verdict that it must get; and changes that are none."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy
from PIL import Image
from pypdf import PdfReader, PdfWriter
from workbench import Workbench

from nao import jobs
from nao.provenance.audit import Verdict, audit
from nao.provenance.clone import today_at
from nao.provenance.schema import SCHEMA

Fault = Callable[[Workbench], None]
FAULTS: list = []
ABOVE = ("table", "png", "pdf", "claims", "text")  # all that every data set and score leads to


def fault(name: str, clause: str, **verdicts: str) -> Callable[[Fault], Fault]:
    """Register a fault: a clause that a reason must contain, and verdicts by artefact.

    ``above`` stands for everything that a table leads to; what is not named must be verified.
    """

    def register(function: Fault) -> Fault:
        FAULTS.append(pytest.param(function, clause, verdicts, id=name))
        return function

    return register


# --- bytes --------------------------------------------------------------------------------------


def _flips(word: str, **verdicts: str) -> None:
    @fault(f"a flipped bit in {word}", "bytes differ", **{word: "tampered", **verdicts})
    def _(bench: Workbench) -> None:
        bench.flip(word)


_flips("train", model="stale", history="stale", scores="stale", above="stale")
_flips("test", scores="stale", ridge="stale", above="stale")
_flips("model", scores="stale", above="stale")
_flips("history")
_flips("scores", above="stale")
_flips("ridge", above="stale")
_flips("table", png="stale", pdf="stale", claims="stale", text="stale")
_flips("png")
_flips("pdf")
_flips("claims")
_flips("text")


@fault("bytes appended to a table", "bytes differ", claims="tampered")
def _(bench: Workbench) -> None:
    with bench.path("claims").open("ab") as file:
        file.write(b"\0")


@fault("a number typed over in the claims", "same size", text="tampered")
def _(bench: Workbench) -> None:
    path = bench.path("text")
    text = path.read_text()
    verdict = "fails" if "fails" in text else "holds"
    path.write_text(text.replace(verdict, "HOLDS"))


@fault("half an artefact", "bytes differ", model="tampered", scores="stale", above="stale")
def _(bench: Workbench) -> None:
    data = bench.path("model").read_bytes()
    bench.path("model").write_bytes(data[: len(data) // 2])


@fault("an emptied artefact", "bytes differ", history="tampered")
def _(bench: Workbench) -> None:
    bench.path("history").write_bytes(b"")


@fault("an artefact edited and its mtime restored", "bytes differ", claims="tampered")
def _(bench: Workbench) -> None:
    times = bench.path("claims").stat()
    bench.flip("claims", 100)
    os.utime(bench.path("claims"), ns=(times.st_atime_ns, times.st_mtime_ns))


@fault("a figure edited in an image program", "bytes differ", png="tampered")
def _(bench: Workbench) -> None:
    with Image.open(bench.path("png")) as picture:
        edited = picture.copy()
    edited.putpixel((5, 5), (255, 0, 0, 255))
    edited.save(bench.path("png"))


@fault("a PDF saved again by another program", "bytes differ", pdf="tampered")
def _(bench: Workbench) -> None:
    writer = PdfWriter(clone_from=PdfReader(bench.path("pdf")))
    writer.write(bench.path("pdf"))


@fault("the figure's text rewritten to bear another id", "another record", png="tampered")
def _(bench: Workbench) -> None:
    png = bench.path("png").read_bytes()
    other = Image.open(bench.path("png"))
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("nao-record", "0" * 64)
    other.save(bench.path("png"), pnginfo=info)
    assert bench.path("png").read_bytes() != png


@fault("an artefact deleted", "is not there", history="missing")
def _(bench: Workbench) -> None:
    bench.path("history").unlink()


@fault(
    "an input deleted with its record",
    "is not there",
    test="missing",
    scores="stale",
    ridge="stale",
    above="stale",
)
def _(bench: Workbench) -> None:
    bench.path("test").unlink()
    bench.record("test").unlink()


# --- records ------------------------------------------------------------------------------------


def _edits(name: str, clause: str, change: Callable[[bytes], bytes]) -> None:
    @fault(f"a record {name}", clause, claims="tampered")
    def _(bench: Workbench) -> None:
        path = bench.record("claims")
        before = path.read_bytes()
        path.write_bytes(change(before))
        assert path.read_bytes() != before


def _replaces(name: str, clause: str, old: str, new: str) -> None:
    _edits(name, clause, lambda raw: raw.replace(old.encode(), new.encode(), 1))


DEEP = '{"a":' * 50_000 + "1" + "}" * 50_000
_replaces("edited in its seed", "digest", '"root": 7', '"root": 8')
_replaces("edited in its commit", "digest", '"dirty": false', '"dirty": true')
_replaces("given a second key", "digest", '"rule"', '"rule": "x",\n "rule"')
_replaces("given an unknown key", "schema", "{", '{\n "run": "rm -rf",')
_replaces("nested deep in its params", "schema", '"params": {', f'"params": {{"a": {DEEP},')
_replaces("with a number for a path", "schema", '"claims.parquet"', "1")
_edits("laid out anew", "digest", lambda raw: json.dumps(json.loads(raw)).encode())
_edits("cut in half", "schema", lambda raw: raw[: len(raw) // 2])
_edits("emptied", "schema", lambda raw: b"")
_edits("that is no JSON", "schema", lambda raw: b"\x89PNG\r\n\x1a\n")
_edits("nested a hundred thousand deep", "schema", lambda raw: b"[" * 100_000 + b"]" * 100_000)
_edits("of forty megabytes", "larger than", lambda raw: raw + b" " * 40_000_000)


@fault("a record with its digest made to fit an edit", "id does not follow", claims="tampered")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda record: record["seeds"].update(root=8))


@fault(
    "a record whose hash was made to fit another file",
    "not the one",
    ridge="tampered",
    above="stale",
)
def _(bench: Workbench) -> None:
    # id and digest fit: only the records made later tell
    bench.forge("ridge", lambda record: record["execution"].update(wall_seconds=0.001))


@fault("an artefact and its record forged together", "differs from the one it read", above="stale")
def _(bench: Workbench) -> None:
    bench.flip("ridge")
    changed = hashlib.sha256(bench.path("ridge").read_bytes()).hexdigest()

    def fit(record: dict) -> None:
        record["artefact"]["sha256"] = changed
        record["outputs"][0]["sha256"] = changed

    bench.forge("ridge", fit)


@fault("records of two artefacts exchanged", "record is of", png="tampered", pdf="tampered")
def _(bench: Workbench) -> None:
    one, two = bench.record("png").read_bytes(), bench.record("pdf").read_bytes()
    bench.record("png").write_bytes(two)
    bench.record("pdf").write_bytes(one)


@fault("the record of another run", "record is of", history="tampered")
def _(bench: Workbench) -> None:
    shutil.copy(bench.record("history2"), bench.record("history"))


@fault(
    "artefact and record of another run",
    "record is of",
    model="tampered",
    scores="stale",
    above="stale",
)
def _(bench: Workbench) -> None:
    shutil.copy(bench.path("model2"), bench.path("model"))
    shutil.copy(bench.record("model2"), bench.record("model"))


@fault("a record deleted at the top", "has no record", png="unrecorded")
def _(bench: Workbench) -> None:
    bench.record("png").unlink()


@fault(
    "a record deleted below",
    "rests on",
    test="unrecorded",
    scores="unrecorded",
    ridge="unrecorded",
    above="unrecorded",
)
def _(bench: Workbench) -> None:
    bench.record("test").unlink()


@fault("a file put into the tree by hand", "has no record", **{"figures/extra.png": "unrecorded"})
def _(bench: Workbench) -> None:
    shutil.copy(bench.path("png"), bench.tree / "figures/extra.png")


@fault("a record of a future version", "update nao", claims="unrecorded")
def _(bench: Workbench) -> None:
    raw = bench.record("claims").read_bytes()
    bench.record("claims").write_bytes(raw.replace(SCHEMA.encode(), b"nao-record/3", 1))


@fault("a record of an earlier version", "make it anew", claims="unrecorded")
def _(bench: Workbench) -> None:
    raw = bench.record("claims").read_bytes()
    bench.record("claims").write_bytes(raw.replace(SCHEMA.encode(), b"nao-record/1", 1))


@fault("a future version with unknown members", "update nao", claims="unrecorded")
def _(bench: Workbench) -> None:
    bench.record("claims").write_text('{"schema": "nao-record/9", "signature": "…"}')


# --- places -------------------------------------------------------------------------------------


@fault("an artefact turned into a link to a copy", "symbolic link", png="tampered")
def _(bench: Workbench) -> None:
    hidden = bench.clone / "copy.png"
    bench.path("png").rename(hidden)
    bench.path("png").symlink_to(hidden)


@fault("a record turned into a link", "symbolic link", png="tampered")
def _(bench: Workbench) -> None:
    hidden = bench.clone / "copy.json"
    bench.record("png").rename(hidden)
    bench.record("png").symlink_to(hidden)


@fault("a link in a circle", "symbolic link", claims="tampered")
def _(bench: Workbench) -> None:
    bench.path("claims").unlink()
    bench.path("claims").symlink_to(bench.path("claims"))


@fault(
    "a folder turned into a link",
    "symbolic link",
    **dict.fromkeys(("figures", "png", "pdf"), "tampered"),
)
def _(bench: Workbench) -> None:
    (bench.tree / "figures").rename(bench.clone / "elsewhere")
    (bench.tree / "figures").symlink_to(bench.clone / "elsewhere")


@fault("a folder in the place of an artefact", "no plain file", scores="tampered", above="stale")
def _(bench: Workbench) -> None:
    bench.path("scores").unlink()
    bench.path("scores").mkdir()


@fault("a record that names an input outside the tree", "leaves its tree", claims="tampered")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda r: r["inputs"][0].update(path="../../../../etc/passwd"))


@fault("a record that names an absolute input", "leaves its tree", claims="tampered")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda r: r["inputs"][0].update(path="/etc/passwd"))


@fault("a record that claims a path outside the tree", "leaves its tree", claims="tampered")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda r: r["artefact"].update(path="a/../claims.parquet"))


@fault("an input said to lie elsewhere", "id does not follow", claims="tampered")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda r: r["inputs"][0].update(place="elsewhere"))


@fault(
    "records that lead round in a circle",
    "circle",
    table="tampered",
    scores="tampered",
    png="stale",
    pdf="stale",
    claims="stale",
    text="stale",
)
def _(bench: Workbench) -> None:
    table = json.loads(bench.record("table").read_bytes())

    def circle(record: dict) -> None:
        entry = record["inputs"][0]
        entry.update(path="experiments/noise.parquet", sha256=table["artefact"]["sha256"])
        entry.update(record_id=None, record_digest=None, size=table["artefact"]["size"])
        record["id"] = _identity(record)

    bench.forge("scores", circle)


def _identity(record: dict) -> str:
    from nao.provenance.schema import identity

    return identity(
        path=record["artefact"]["path"],
        inputs=[(i["place"], i["path"], i["sha256"]) for i in record["inputs"]],
        code=record["code"]["fingerprint"],
        **{key: record[key] for key in ("rule", "params", "wildcards", "seeds")},
    )


# --- inputs -------------------------------------------------------------------------------------


@fault(
    "an input replaced by an older one, with its record",
    "differs from the one it read",
    scores="stale",
    ridge="stale",
    above="stale",
    model="stale",
    history="stale",
)
def _(bench: Workbench) -> None:
    older = {
        word: (bench.path(word).read_bytes(), bench.record(word).read_bytes())
        for word in ("test", "train")
    }
    bench.edit("workflow/scripts/make_dataset.py", "stream(spec.seed, name)", "stream(3, name)")
    bench.make_all()
    for word, (artefact, record) in older.items():
        bench.path(word).write_bytes(artefact)
        bench.record(word).write_bytes(record)
    bench.edit("workflow/scripts/make_dataset.py", "stream(3, name)", "stream(spec.seed, name)")
    bench.make_again("train2", "model2", "scores2", "ridge2")


@fault(
    "an input made anew otherwise", "differs from the one it read", scores="stale", above="stale"
)
def _(bench: Workbench) -> None:
    # a training that ended elsewhere, honestly recorded; its dependants were not made anew
    source = (bench.clone / "workflow/scripts/train.py").read_text()
    bench.edit("workflow/scripts/train.py", "weights.append(", "weights.append(1.5 * ")
    bench.make_again("model")
    (bench.clone / "workflow/scripts/train.py").write_text(source)

    def pretend(record: dict) -> None:
        other = json.loads(bench.record("model2").read_bytes())
        record["code"] = other["code"]
        record["id"] = _identity(record)

    for word in ("model", "history"):
        bench.forge(word, pretend)


@fault(
    "a clone's file that was read has changed", "config.yaml differs", text="stale", claims="stale"
)
def _(bench: Workbench) -> None:
    task = next(task for task in bench.tasks() if task.rule == "judge_claims")
    bench.make(task, [bench.clone / "config.yaml"])
    bench.edit("config.yaml", "seed: 7", "seed: 7 # lucky")


# --- today --------------------------------------------------------------------------------------


@fault("a function changed", "nao/drawing.py changed in label", png="stale", pdf="stale")
def _(bench: Workbench) -> None:
    bench.edit("nao/drawing.py", '"noise"', '"noise, σ"')


@fault(
    "a script changed",
    "train.py changed in main",
    model="stale",
    history="stale",
    model2="stale",
    history2="stale",
    scores="stale",
    scores2="stale",
    above="stale",
)
def _(bench: Workbench) -> None:
    bench.edit("workflow/scripts/train.py", "rcond=None", "rcond=0.5")


@fault("a script gone", "is no longer there", claims="stale", text="stale")
def _(bench: Workbench) -> None:
    (bench.clone / "workflow/scripts/judge_claims.py").unlink()


@fault("a module newly imported", "nao/seeding.py is now imported", png="stale", pdf="stale")
def _(bench: Workbench) -> None:
    bench.edit("nao/drawing.py", "def label", "import nao.seeding\n\n\ndef label")


@fault("a script that is no longer Python", "not valid Python", claims="stale", text="stale")
def _(bench: Workbench) -> None:
    bench.edit("workflow/scripts/judge_claims.py", "import numpy", "import numpy numpy")


@fault("a point added to the sweep", "experiment.points", above="stale")
def _(bench: Workbench) -> None:
    bench.edit("config.yaml", "[0.1, 0.3]", "[0.1, 0.3, 1.0]")


@fault("a baseline exchanged", "baselines[0]: 'ridge' → 'oracle_ridge'", above="stale")
def _(bench: Workbench) -> None:
    bench.edit("config.yaml", "[ridge]", "[oracle_ridge]")


@fault("a package of another version", "numpy 0.1 → ", claims="stale")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda r: r["environment"]["packages"].update(numpy="0.1"))


@fault("a package that is no longer imported", "is not imported", claims="stale")
def _(bench: Workbench) -> None:
    bench.forge("claims", lambda r: r["environment"]["packages"].update(sympy="1.0"))


@fault("made by a rule that is no more", "there is no rule paint", claims="stale")
def _(bench: Workbench) -> None:
    def rename(record: dict) -> None:
        record["rule"] = "paint"
        record["id"] = _identity(record)

    bench.forge("claims", rename)


# --- the suite ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "clause", "verdicts"), FAULTS)
def test_a_fault_gets_its_verdict(bench: Workbench, function, clause, verdicts):
    names = {word: bench.path(word).relative_to(bench.tree).as_posix() for word in WORDS}
    everything = dict.fromkeys(names.values(), Verdict.VERIFIED)
    function(bench)
    result = bench.audit()
    found = {finding.name: finding.verdict for finding in result.findings.values()}
    for word, verdict in verdicts.items():
        words = {"above": ABOVE, "all": WORDS}.get(word, (word,))
        everything |= {names.get(each, each): Verdict(verdict) for each in words}
    assert found == everything
    assert not result.verified
    texts = [reason.text for f in result.findings.values() for reason in f.reasons]
    assert any(clause in text for text in texts), texts


WORDS = (
    *("train", "test", "model", "history", "scores", "ridge"),
    *("train2", "test2", "model2", "history2", "scores2", "ridge2"),
    *ABOVE,
)


def test_the_suite_tries_forty_ways():
    assert len(FAULTS) >= 40


# --- no false alarm -----------------------------------------------------------------------------

HARMLESS: dict[str, Fault] = {}


def harmless(function: Fault) -> Fault:
    HARMLESS[function.__name__.strip("_").replace("_", " ")] = function
    return function


@harmless
def _untouched(bench: Workbench) -> None: ...


@harmless
def _touched(bench: Workbench) -> None:
    for path in bench.clone.rglob("*"):
        os.utime(path)


@harmless
def _very_old(bench: Workbench) -> None:
    for path in bench.clone.rglob("*"):
        os.utime(path, (0, 0))


@harmless
def _snakemake_and_git_deleted(bench: Workbench) -> None:
    (bench.clone / ".snakemake").mkdir()
    shutil.rmtree(bench.clone / ".snakemake")
    shutil.rmtree(bench.clone / ".git")


@harmless
def _moved(bench: Workbench) -> None:
    target = bench.clone.with_name("moved")
    bench.clone.rename(target)
    bench.__init__(target)


@harmless
def _cloned_afresh(bench: Workbench) -> None:
    target = bench.clone.with_name("fresh")
    subprocess.run(["git", "clone", "--quiet", bench.clone, target], check=True)
    shutil.copytree(bench.clone / "results", target / "results")
    bench.__init__(target)


@harmless
def _a_comment_and_a_docstring_changed(bench: Workbench) -> None:
    bench.edit("nao/drawing.py", "The name of the axis.", "What the axis shows.")
    source = bench.clone / "nao/seeding.py"
    source.write_text(f"# a comment\n{source.read_text()}\n\n# and another\n")


@harmless
def _a_function_changed_and_changed_back(bench: Workbench) -> None:
    bench.edit("nao/drawing.py", '"noise"', '"other"')
    assert not bench.audit().verified
    bench.edit("nao/drawing.py", '"other"', '"noise"')


@harmless
def _config_changed_and_reverted(bench: Workbench) -> None:
    bench.edit("config.yaml", "[0.1, 0.3]", "[0.1, 0.5]")
    assert not bench.audit().verified
    bench.edit("config.yaml", "[0.1, 0.5]", "[0.1, 0.3]")


@harmless
def _config_laid_out_anew(bench: Workbench) -> None:
    bench.edit("config.yaml", "[0.1, 0.3]", "[\n        1.0e-1, # σ\n        0.30]")


@harmless
def _comments_and_order_of_the_lock(bench: Workbench) -> None:
    lock = bench.clone / "envs/requirements.txt"
    lock.write_text("scipy==1.17.1\n# via nothing\nnumpy==2.4.6\n")


@harmless
def _code_that_nothing_uses(bench: Workbench) -> None:
    (bench.clone / "nao/new.py").write_text("x = 1\n")


@harmless
def _everything_made_again(bench: Workbench) -> None:
    bench.make_all()


@harmless
def _the_middle_made_again_with_the_same_bytes(bench: Workbench) -> None:
    bench.make_again("model", "scores")


@harmless
def _logs_and_temporary_files(bench: Workbench) -> None:
    for name in ("logs/train/a.log", "checkpoints/a.safetensors", "figures/.fig3.123.png"):
        (bench.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (bench.tree / name).write_text("unfinished")


@harmless
def _results_reached_over_a_link(bench: Workbench) -> None:
    (bench.clone / "results").rename(bench.clone.with_name("scratch"))
    (bench.clone / "results").symlink_to(bench.clone.with_name("scratch"))


@pytest.mark.parametrize("name", HARMLESS)
def test_there_is_no_false_alarm(bench: Workbench, name: str):
    HARMLESS[name](bench)
    result = bench.audit()
    assert [(f.name, f.reasons) for f in result.findings.values() if f.reasons] == []
    assert result.verified
    assert len(result.findings) == len(WORDS)


def stale(bench: Workbench) -> dict[str, list[str]]:
    """Reasons of all that is not verified."""
    findings = bench.audit().findings.values()
    assert {f.verdict for f in findings} <= {Verdict.VERIFIED, Verdict.STALE}
    return {f.name: [reason.text for reason in f.reasons] for f in findings if f.reasons}


def test_a_table_that_the_claims_no_longer_read(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "claim_tables", lambda claims: [])
    found = stale(bench)
    assert found.keys() == {"claims.md", "claims.parquet"}
    for reasons in found.values():
        assert "input experiments/noise.parquet is no longer read" in reasons


def test_a_table_that_a_figure_now_reads(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    drawing = replace(jobs.FIGURES["fig3"], tables=("noise", "noise_moments"))
    monkeypatch.setitem(jobs.FIGURES, "fig3", drawing)
    reasons = [f"input {jobs.table('noise_moments')} is now read"]
    assert stale(bench) == {"figures/fig3.png": reasons, "figures/fig3.pdf": reasons}


def test_a_figure_of_what_is_not_planned(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    drawing = replace(jobs.FIGURES["fig3"], tables=("noise", "other"))
    monkeypatch.setitem(jobs.FIGURES, "fig3", drawing)
    reasons = ["needs other, which is not planned"]
    assert stale(bench) == {"figures/fig3.png": reasons, "figures/fig3.pdf": reasons}


def test_a_file_that_another_rule_now_makes(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    rule = replace(jobs.RULES["judge_claims"], outputs={"table": "{claims}.parquet"})
    monkeypatch.setitem(jobs.RULES, "judge_claims", rule)
    assert stale(bench) == {"claims.md": ["judge_claims no longer makes it"]}


def test_what_is_installed_counts_and_the_lock_is_told(bench: Workbench):
    lock = bench.clone / "envs/requirements.txt"
    lock.write_text(f"numpy=={np.__version__} \\\n    --hash=sha256:00\n# scipy==0.1\n")
    assert bench.audit().departures == []
    with lock.open("a") as file:
        file.write("scipy==0.1 ; python_version > '3'\nnone==1 ; python_version < '3'\n")
    result = bench.audit()
    assert result.departures == [f"scipy 0.1 is pinned and {scipy.__version__} installed"]
    assert result.verified
    lock.unlink()
    assert bench.audit().departures == ["envs/requirements.txt is not there"]


def test_a_withdrawn_point_leaves_what_was_made_as_it_is(bench: Workbench):
    bench.edit("config.yaml", "[0.1, 0.3]", "[0.1]")
    old = Workbench(bench.clone)
    verdicts = old.verdicts()
    assert verdicts[old.path("model").relative_to(old.tree).as_posix()] is Verdict.VERIFIED
    assert verdicts["experiments/noise.parquet"] is Verdict.STALE


@pytest.mark.parametrize("name", ["results", "copy"])
def test_a_copy_elsewhere_needs_no_clone(bench: Workbench, tmp_path: Path, name: str):
    shutil.copytree(bench.tree, tmp_path / "away" / name / "renamed")
    shutil.rmtree(bench.clone)
    result = audit([tmp_path / "away"])
    assert result.verified
    assert len(result.findings) == len(WORDS)
    figure = tmp_path / "away" / name / "renamed/figures/fig3.png"
    assert audit([figure]).verified
    figure.write_bytes(figure.read_bytes()[:-1])
    assert audit([figure]).findings[figure].verdict is Verdict.TAMPERED


def test_two_trees_are_judged_apart(bench: Workbench):
    shutil.copytree(bench.tree, bench.tree.with_name("paper"))
    assert audit([bench.clone / "results"]).verified
    bench.flip("png")
    wrong = [f for f in audit([bench.clone / "results"]).findings.values() if f.reasons]
    assert [(f.base.name, f.name) for f in wrong] == [("laptop", "figures/fig3.png")]


def test_a_tree_inside_a_tree_is_not_believed(bench: Workbench):
    shutil.copytree(bench.tree, bench.tree.with_name("copy"))
    bench.tree.with_name("copy").rename(bench.tree / "backup")
    verdicts = bench.verdicts()
    inner = {v for name, v in verdicts.items() if name.startswith("backup/")}
    assert inner == {Verdict.UNRECORDED}


def test_a_figure_alone_is_not_verified(bench: Workbench, tmp_path: Path):
    for path in (bench.path("png"), bench.record("png")):
        shutil.copy(path, tmp_path)
    lone = audit([tmp_path / "fig3.png"])
    assert not lone.verified


def test_the_seal_shows_what_files_cannot(bench: Workbench):
    before = bench.audit()
    bench.forge("png", lambda record: record["execution"].update(wall_seconds=0.001))
    after = bench.audit()
    assert after.verified  # nothing was made from the figure that could tell
    assert after.seal != before.seal
    assert bench.audit().seal == after.seal


def test_a_path_that_is_not_there(tmp_path: Path):
    result = audit([tmp_path / "fig9.png"])
    assert result.counts["missing"] == 1


def test_nothing_of_a_record_is_run_or_followed(bench: Workbench, tmp_path: Path):
    trap = tmp_path / "trap"
    (bench.clone / "workflow/scripts/trap.py").write_text(f"open({str(trap)!r}, 'w')\n")
    bench.forge("claims", lambda r: r["code"].update(script="workflow/scripts/trap.py"))
    audit([bench.tree], today_at(bench.clone))
    assert not trap.exists()
    assert bench.record("claims").exists()
