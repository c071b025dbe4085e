"""The arithmetic and the words of the progress display."""

import logging
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_nao import LogHandler, Progress, RunningJob, clock, last_line


def running(rule: str, seconds: float) -> RunningJob:
    job = RunningJob(rule, rule, None)
    job.started -= seconds
    return job


def test_time_left_is_each_rules_mean_over_what_waits_and_what_runs():
    progress = Progress()
    progress.plan({"train": 4, "draw": 2, "total": 6})
    assert progress.seconds_left() is None
    progress.start(1, running("train", 10))
    progress.start(2, running("draw", 2))
    progress.finish(1)
    progress.finish(2)
    progress.start(3, running("train", 4))
    # Waiting: 2 trainings of 10 s and 1 drawing of 2 s; running: 6 s more; two side by side.
    assert progress.seconds_left() == pytest.approx((2 * 10 + 2 + 6) / 2, abs=0.1)
    assert progress.summary() == "2 of 6 done, 1 running, 14 s left"
    progress.fail(3)
    assert progress.ending() == "2 of 6 done, 1 failed, in 0 s"


def test_a_rule_without_a_finished_job_counts_as_long_as_its_job_has_run():
    progress = Progress()
    progress.plan({"train": 3, "draw": 1, "total": 4})
    progress.start(1, running("draw", 2))
    progress.finish(1)
    progress.start(2, running("train", 30))
    assert progress.seconds_left() == pytest.approx(2 * 30, abs=0.1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1:00"), (605, "10:05"), (7384, "2:03:04")],
)
def test_clock(seconds, words):
    assert clock(seconds) == words


def test_last_line_of_a_log(tmp_path):
    log = tmp_path / "train.log"
    assert last_line(None) == last_line(log) == ""
    log.write_text("".join(f"step {step} of 9999, loss 0.1\n" for step in range(2000)))
    assert last_line(log) == "step 1999 of 9999, loss 0.1"


def record(event: LogEvent | None, message: str = "", **values) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.INFO, __file__, 1, message, None, None)
    made.__dict__ |= {"event": event, **values}
    return made


def test_without_a_terminal_each_finished_job_is_a_line(capsys):
    handler = LogHandler(SimpleNamespace(dryrun=False), None)  # pyright: ignore[reportArgumentType]
    handler.emit(record(LogEvent.RUN_INFO, stats={"train": 2, "total": 2}))
    for number, run in enumerate(("a", "b")):
        values = {"jobid": number, "rule_name": "train", "wildcards": {"run": run}, "log": []}
        handler.emit(record(LogEvent.JOB_INFO, **values))
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=0))
    handler.emit(record(LogEvent.JOB_ERROR, jobid=1))
    handler.emit(record(LogEvent.ERROR, "RuleException: a wall of text"))
    handler.close()
    assert capsys.readouterr().err.splitlines() == [
        "train a (0 s); 1 of 2 done, 1 running, 0 s left",
        "failed: train b",
    ]


def test_on_a_terminal_running_jobs_show_the_last_line_of_their_log(tmp_path, capsys):
    (tmp_path / "a.log").write_text("step 5 of 9, loss 0.25, on cpu\n")
    handler = LogHandler(SimpleNamespace(dryrun=False), None)  # pyright: ignore[reportArgumentType]
    handler.progress.plan({"train": 2, "total": 2})
    handler.progress.start(0, RunningJob("train", "train a", tmp_path / "a.log"))
    handler.console.print(handler._render())
    said = capsys.readouterr().err
    assert "0 of 2 done, 1 running, estimating the time left" in said
    assert "train a 0 s  step 5 of 9, loss 0.25, on cpu" in said
