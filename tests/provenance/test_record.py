"""A record says what was made and from what, says nothing private, and refuses to be edited."""

import getpass
import json
import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel
from workbench import Workbench

from nao.provenance import environment, packages
from nao.provenance.hashing import sha256_of
from nao.provenance.pictures import embedded_id
from nao.provenance.record import plain, recording, tree_of
from nao.provenance.schema import (
    Git,
    GitRefusal,
    RecordError,
    parse,
    read_record,
    record_path,
    render,
)


def test_the_record_states_outputs_inputs_and_the_chain(bench: Workbench):
    task = next(task for task in bench.tasks() if task.rule == "evaluate_run")
    scores = bench.tree / task.outputs["scores"]
    made = read_record(record_path(bench.tree, task.outputs["scores"]))
    assert made.artefact.sha256 == sha256_of(scores)
    assert made.artefact.size == scores.stat().st_size
    assert (made.tree, made.rule, made.wildcards) == ("laptop", "evaluate_run", task.wildcards)
    for entry in made.inputs:
        upstream = read_record(record_path(bench.tree, entry.path))
        assert entry.sha256 == sha256_of(bench.tree / entry.path) == upstream.artefact.sha256
        assert (entry.record_id, entry.record_digest) == (upstream.id, upstream.digest)
    assert made.code.script == "workflow/scripts/evaluate_run.py"
    assert isinstance(made.git, Git)
    assert not made.git.dirty
    assert made.execution.start <= made.execution.end
    assert made.execution.peak_memory > 10**6
    history = scores.relative_to(bench.tree).with_name("history.parquet")
    assert read_record(record_path(bench.tree, history)).execution.segments


def test_a_repetition_has_the_same_ids_and_pictures_and_another_digest(bench: Workbench):
    paths = bench.artefacts
    before = {path: read_record(record_path(bench.tree, path)) for path in paths}
    png = (bench.tree / "figures/fig3.png").read_bytes()
    pdf = (bench.tree / "figures/fig3.pdf").read_bytes()
    bench.make_all()
    for path, old in before.items():
        new = read_record(record_path(bench.tree, path))
        assert (new.id, new.artefact) == (old.id, old.artefact)
        assert new.digest != old.digest
    assert (bench.tree / "figures/fig3.png").read_bytes() == png
    assert (bench.tree / "figures/fig3.pdf").read_bytes() == pdf
    assert len({record.id for record in before.values()}) == len(paths)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_pictures_carry_the_id_of_their_record(bench: Workbench, suffix):
    path = f"figures/fig3.{suffix}"
    assert embedded_id(bench.tree / path) == read_record(record_path(bench.tree, path)).id


def test_nothing_private_enters(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "wintermute")
    monkeypatch.setenv("USER", "case")
    home = str(Path.home())
    output = tmp_path / "results/laptop/a.txt"
    output.parent.mkdir(parents=True)
    (tmp_path / "script.py").touch()
    with recording(
        rule="r",
        script=tmp_path / "script.py",
        repository=tmp_path,
        outputs=output,
        params={"a": f"{home}/data", "b": Path(home), "c": tmp_path / "inside", "d": f"{home}s"},
    ):
        output.write_text("a")
    text = record_path(output.parent, "a.txt").read_text()
    assert json.loads(text)["params"] == {"a": "~/data", "b": "~", "c": "inside", "d": f"{home}s"}
    for private in ("wintermute", str(tmp_path), "case", os.uname().nodename):
        assert private not in text
    assert not (set(json.loads(text)["environment"]) & {"user", "home", "hostname"})
    if getpass.getuser() != "root":  # "root" is also the word for a seed's root
        assert getpass.getuser() not in text


def test_hosts_are_told_apart_only_with_the_salt(tmp_path: Path, monkeypatch):
    for clone in ("a", "b"):
        (tmp_path / clone).mkdir()
    one = environment.host_hash(tmp_path / "a")
    assert environment.host_hash(tmp_path / "a") == one
    environment._salt.cache_clear()
    assert environment.host_hash(tmp_path / "a") == one
    assert environment.host_hash(tmp_path / "b") != one
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    assert environment.host_hash(tmp_path / "a") != one


def test_the_salt_is_readable_to_whoever_may_read_the_results(tmp_path: Path):
    environment.host_hash(tmp_path)
    salt = tmp_path / ".nao" / "salt"
    umask = os.umask(0)
    os.umask(umask)
    assert salt.stat().st_mode & 0o777 == 0o666 & ~umask


def git(clone: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", clone, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "a").touch()
    git(tmp_path, "add", "a")
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    git(tmp_path, *who, "commit", "--message", "first")
    return tmp_path


def test_git_is_asked_in_a_clone_that_another_user_owns(repository: Path):
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    for path in [repository, *repository.rglob("*")]:
        os.chown(path, 65534, 65534)
    found = environment.GitQuestion(repository).answer([])
    assert isinstance(found, Git)
    assert not found.dirty


def test_a_clone_that_git_cannot_read_says_so_in_its_record(repository: Path):
    (repository / ".git" / "config").write_text("[core\n")
    found = environment.GitQuestion(repository).answer([])
    assert isinstance(found, GitRefusal)
    assert "bad config line 1" in found.refused
    assert str(repository) not in found.refused


def test_a_module_that_git_does_not_know_is_no_clean_code(repository: Path):
    (repository / ".gitignore").write_text("draft.py\n")
    for name in ("draft.py", "other.py"):
        (repository / name).write_text("x = 1\n")
    found = environment.GitQuestion(repository).answer(["draft.py", "tracked.py"])
    assert isinstance(found, Git)
    assert (found.dirty, found.untracked, found.diff_sha256) == (True, ["draft.py"], None)


def test_a_folder_inside_another_repository_is_no_clone_of_it(repository: Path):
    (repository / "unpacked").mkdir()
    assert environment.GitQuestion(repository / "unpacked").answer([]) is None


def test_a_second_list_of_packages_does_not_hide_the_lock(tmp_path: Path):
    (tmp_path / "envs").mkdir()
    assert packages.find_lock(tmp_path) is None
    for name in ("requirements.txt", "another.txt"):
        (tmp_path / "envs" / name).touch()
    assert packages.find_lock(tmp_path) == tmp_path / "envs" / "requirements.txt"


def record(work, **job) -> None:
    with recording(rule="r", script=__file__, **job):
        work()


def test_a_failed_job_leaves_no_record(tmp_path: Path):
    output = tmp_path / "results/laptop/a.txt"
    output.parent.mkdir(parents=True)
    earlier = record_path(output.parent, "a.txt")
    earlier.parent.mkdir()
    earlier.write_text("of an earlier job")
    with pytest.raises(OSError, match="full"):
        record(_half_written(output), outputs=[output])
    assert [path for path in output.parent.rglob("*") if path.is_file()] == [output]


def _half_written(output: Path):
    def work():
        output.write_text("half")
        raise OSError("disk is full")

    return work


def test_outputs_must_be_written_inside_and_inputs_must_stay(tmp_path: Path):
    tree = tmp_path / "results/laptop"
    tree.mkdir(parents=True)
    source, output, outside = tree / "in.txt", tree / "a", tmp_path / "b"
    source.write_text("1")
    with pytest.raises(FileNotFoundError, match="declared and not written"):
        record(lambda: None, outputs=[output])
    with pytest.raises(ValueError, match="lies outside"):
        record(outside.touch, outputs=outside, tree=tree)
    output.touch()
    with pytest.raises(RuntimeError, match=r"in\.txt changed while it was read"):
        record(lambda: source.write_text("2"), inputs=source, outputs=[output])


class Spec(BaseModel):
    scale: float


def test_params_become_what_json_holds(tmp_path: Path):
    value = {"a": (1, np.float64(0.5)), "b": Spec(scale=2), "c": float("nan"), "d": None}
    expected = {"a": [1, 0.5], "b": {"scale": 2.0}, "c": "nan", "d": None}
    assert plain(value, "p", tmp_path) == expected
    with pytest.raises(ValueError, match=r"param p\.x is of type object"):
        plain({"x": object()}, "p", tmp_path)


def test_the_tree_is_found_from_the_path():
    assert tree_of(Path("/a/results/laptop/figures/f.png")) == Path("/a/results/laptop")
    with pytest.raises(ValueError, match="name the tree"):
        tree_of(Path("/a/b/f.png"))


def test_reading_returns_what_was_written(bench: Workbench):
    raw = record_path(bench.tree, "claims.md").read_bytes()
    assert render(parse(raw)) == raw


def test_every_changed_byte_is_noticed(bench: Workbench):
    raw = record_path(bench.tree, "claims.md").read_bytes()
    for position in range(0, len(raw), 97):
        edited = bytearray(raw)
        edited[position] ^= 1
        with pytest.raises(RecordError):
            parse(bytes(edited))
    for edited in (raw[:-1], raw + b"\n", raw.replace(b"\n", b"\r\n"), b""):
        with pytest.raises(RecordError):
            parse(edited)


def test_the_lock_counts_without_its_comments(tmp_path: Path):
    lock = tmp_path / "lock.txt"
    hashes = []
    for text in ("# top\na==1\n    # via b\nb==2\n", "b==2\na==1  # c\n", "a==1\nb==3\n"):
        lock.write_text(text)
        hashes.append(packages.describe_lock(lock, tmp_path).sha256)
    assert hashes[0] == hashes[1] != hashes[2]
