"""What records tell a workflow engine of a making."""

import json

from workbench import Workbench

from nao.jobs import Job
from nao.provenance.memory import Making, recollection
from nao.provenance.schema import read_record


def test_a_making_is_what_today_s_job_would_be_given(bench: Workbench):
    making = recollection(bench.tree)
    for task in bench.tasks():
        for path in task.outputs.values():
            told = making(path)
            given = dict(told.given)
            packages = given.pop("packages")
            assert packages
            assert "snakemake" not in packages
            assert len(given.pop("code")) == 64
            assert given == Job(bench.plan, task.rule, task.wildcards).params
            assert set(told.inputs) == set(task.inputs)
            assert told.start is not None
            assert told.end is not None
            assert told.start <= told.end


def test_an_input_made_otherwise_since_is_not_what_was_read(bench: Workbench):
    bench.edit("workflow/scripts/evaluate_baseline.py", "0.1 * np.eye", "0.2 * np.eye")
    bench.make_again("ridge")
    ridge, table = (bench.path(w).relative_to(bench.tree).as_posix() for w in ("ridge", "table"))
    read = {entry.path for entry in read_record(bench.record("table")).inputs}
    assert set(recollection(bench.tree)(table).inputs) == read - {ridge}


def test_what_cannot_be_believed_is_equal_to_nothing(bench: Workbench):
    bench.record("png").write_text("{}")
    bench.record("pdf").unlink()
    bench.path("claims").write_bytes(bench.path("claims").read_bytes()[:-1])
    content = json.loads(bench.record("text").read_text())
    bench.record("table").write_text(json.dumps(content))
    making = recollection(bench.tree)
    for word in ("png", "pdf", "claims", "table"):
        assert making(bench.path(word).relative_to(bench.tree).as_posix()) == Making()
    assert making(bench.path("model").relative_to(bench.tree).as_posix()) != Making()
