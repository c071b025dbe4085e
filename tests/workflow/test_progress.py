"""The arithmetic and the words of the progress display."""

import logging
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_nao import LogHandler
from snakemake_logger_plugin_nao.progress import Job, Progress, clock, last_line
from snakemake_logger_plugin_nao.reasons import reason


def running(rule: str, seconds: float) -> Job:
    job = Job(rule, rule, None)
    assert job.started is not None
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
        values = {"jobid": number, "rule_name": "train", "wildcards": {"run": run}}
        handler.emit(record(LogEvent.JOB_INFO, **values, log=[], local=True))
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=0))
    handler.emit(record(LogEvent.JOB_ERROR, jobid=1))
    wall = record(LogEvent.ERROR, "RuleException: a wall of text", exception="RuleException")
    handler.emit(wall)
    handler.emit(record(LogEvent.ERROR, "the disk is full", exception="WorkflowError"))
    handler.close()
    assert capsys.readouterr().err.splitlines() == [
        "train a (0 s); 1 of 2 done, 1 running, 0 s left",
        "failed: train b",
        "the disk is full",
    ]


def test_a_job_of_a_cluster_is_queued_until_its_log_is_another(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("what an earlier attempt said\n")
    progress = Progress()
    progress.plan({"train": 3, "total": 3})
    progress.start(1, Job("train", "train a", log, local=False))
    progress.start(2, Job("train", "train b", tmp_path / "b.log", local=False))
    assert progress.summary() == "0 of 3 done, 0 running, 2 queued, estimating the time left"
    log.write_text("step 1\n")
    assert progress.summary() == "0 of 3 done, 1 running, 1 queued, estimating the time left"
    job = progress.active[1]
    assert job.started is not None
    job.started -= 30
    progress.finish(1)
    # Two trainings of 30 s are left, one of them queued, and one was seen to run at a time.
    assert progress.summary() == "1 of 3 done, 0 running, 1 queued, 1:00 left"


def test_a_job_that_is_tried_again_has_not_failed():
    progress = Progress()
    progress.plan({"train": 1, "total": 1})
    progress.start(1, running("train", 1))
    progress.fail(1)
    assert progress.ending().startswith("0 of 1 done, 1 failed")
    progress.start(1, running("train", 1))
    progress.finish(1)
    assert progress.ending().startswith("1 of 1 done, in")
    assert progress.waiting["train"] == 0


SAID = "SLURM-job '7' failed, SLURM status is: '{}'. Detailed failure reason unavailable."


@pytest.mark.parametrize(
    ("message", "log", "words"),
    [
        (
            "SLURM sbatch failed. The error message was 'sbatch: error: invalid partition: cpus\n"
            "sbatch: error: Batch job submission failed'.\n    sbatch call:\n        sbatch",
            "",
            "the cluster refused it: sbatch: error: invalid partition: cpus sbatch: error: Batch "
            "job submission failed",
        ),
        (
            SAID.format("TIMEOUT"),
            "",
            "SLURM job 7 ended as TIMEOUT: it took longer than the time it asked for",
        ),
        (
            SAID.format("FAILED"),
            "slurmstepd: error: StepId=7.0 exceeded memory limit (9 > 8), being killed\nKilled\n",
            "SLURM job 7 ended as FAILED: it took more memory than it asked for",
        ),
        (SAID.format("NODE_FAIL"), "", "SLURM job 7 ended as NODE_FAIL: its node was lost"),
        (SAID.format("FAILED"), "nothing to see\n", "SLURM job 7 ended as FAILED"),
        (
            None,
            "slurmstepd: error: *** JOB 7 ON cpu1 CANCELLED AT 2026-01-01 DUE TO TIME LIMIT ***\n",
            "it took longer than the time it asked for",
        ),
        (None, "OSError: [Errno 28] No space left on device\n", "a disk is full: No space left"),
        ("Pod 5 is gone. For further error details see the log.", "", "Pod 5 is gone"),
        (None, "", ""),
    ],
)
def test_what_ended_a_job_is_one_sentence(tmp_path, message, log, words):
    (tmp_path / "7.log").write_text(log)
    told = reason(message, [tmp_path / "absent.log", tmp_path / "7.log"])
    assert told.startswith(words)
    assert "\n" not in told
    assert told or not words


def test_of_warnings_those_are_told_that_a_user_can_act_on(capsys):
    handler = LogHandler(SimpleNamespace(dryrun=False), None)  # pyright: ignore[reportArgumentType]
    for message in ("No SLURM account given, trying to guess.", "the disk is nearly full"):
        warning = record(None, message)
        warning.levelno = logging.WARNING
        handler.emit(warning)
    assert capsys.readouterr().err == "the disk is nearly full\n"


def test_a_group_of_jobs_fails_once_and_says_why(tmp_path, capsys):
    log = tmp_path / "7.log"
    log.write_text("slurmstepd: error: *** JOB 7 ON cpu1 CANCELLED AT now DUE TO TIME LIMIT ***\n")
    handler = LogHandler(SimpleNamespace(dryrun=False), None)  # pyright: ignore[reportArgumentType]
    handler.progress.plan({"score": 2, "total": 2})
    for number in range(2):
        values = {"jobid": number, "rule_name": "score", "wildcards": {"run": f"r{number}"}}
        handler.emit(record(LogEvent.JOB_INFO, **values, log=[], local=False))
    info = [{"jobid": 0}, {"jobid": 1}]
    handler.emit(record(LogEvent.GROUP_ERROR, job_error_info=info, aux_logs=[str(log)]))
    for number in range(2):
        handler.emit(record(LogEvent.JOB_ERROR, jobid=number, log=[]))
    assert capsys.readouterr().err.splitlines() == [
        "failed: score r0 and 1 more of its group: it took longer than the time it asked for"
    ]
    assert handler.progress.ending().startswith("0 of 2 done, 2 failed")


def test_on_a_terminal_running_jobs_show_the_last_line_of_their_log(tmp_path, capsys):
    (tmp_path / "a.log").write_text("step 5 of 9, loss 0.25, on cpu\n")
    handler = LogHandler(SimpleNamespace(dryrun=False), None)  # pyright: ignore[reportArgumentType]
    handler.progress.plan({"train": 2, "total": 2})
    handler.progress.start(0, Job("train", "train a", tmp_path / "a.log"))
    handler.console.print(handler._render())
    said = capsys.readouterr().err
    assert "0 of 2 done, 1 running, estimating the time left" in said
    assert "train a 0 s  step 5 of 9, loss 0.25, on cpu" in said
