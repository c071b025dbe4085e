"""Progress of a run on the terminal: what is done, what runs and how far it is, the time left.

On a terminal, a bar and one line per running job with the last line of its log; elsewhere one line
per finished job. Snakemake's own full log goes to `.snakemake/log` as always. Why jobs failed is
told at the end by the workflow itself.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from logging import ERROR, WARNING, LogRecord
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

TAIL = 400  # bytes of a log in which its last line is sought


@dataclass
class RunningJob:
    rule: str
    title: str
    log: Path | None
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class Progress:
    """Counts of jobs, and the time that their rules have taken so far."""

    def __init__(self) -> None:
        self.waiting: Counter[str] = Counter()
        self.running: dict[int, RunningJob] = {}
        self.durations: dict[str, list[float]] = {}
        self.done = self.failed = self.total = 0
        self.widest = 1  # jobs seen side by side
        self.begun = time.monotonic()

    def plan(self, jobs: dict[str, int]) -> None:
        self.waiting = Counter({rule: count for rule, count in jobs.items() if rule != "total"})
        self.total = self.waiting.total()

    def start(self, number: int, job: RunningJob) -> None:
        self.waiting[job.rule] -= 1
        self.running[number] = job
        self.widest = max(self.widest, len(self.running))

    def finish(self, number: int) -> RunningJob | None:
        self.done += 1
        if job := self.running.pop(number, None):
            self.durations.setdefault(job.rule, []).append(job.seconds)
        return job

    def fail(self, number: int) -> RunningJob | None:
        self.failed += 1
        return self.running.pop(number, None)

    def seconds_left(self) -> float | None:
        """Each rule's mean time over its jobs that are left, shared by the jobs side by side.

        A rule that has not finished a job counts as the longest that one of its jobs has run, or as
        the mean of all others; None until anything has finished.
        """
        finished = [seconds for times in self.durations.values() for seconds in times]
        if not finished:
            return None
        overall = sum(finished) / len(finished)

        def typical(rule: str) -> float:
            if times := self.durations.get(rule):
                return sum(times) / len(times)
            return max([j.seconds for j in self.running.values() if j.rule == rule] or [overall])

        waiting = sum(typical(rule) * count for rule, count in self.waiting.items() if count > 0)
        running = sum(max(typical(j.rule) - j.seconds, 0) for j in self.running.values())
        return (waiting + running) / self.widest

    def ending(self) -> str:
        """What is left on a terminal when the bar is gone."""
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.done} of {self.total} done{failed}, in {clock(time.monotonic() - self.begun)}"
        )

    def summary(self) -> str:
        left = self.seconds_left()
        parts = [f"{self.done} of {self.total} done", f"{len(self.running)} running"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{clock(left)} left" if left is not None else "estimating the time left"]
        return ", ".join(parts)


class LogHandler(LogHandlerBase):
    """Snakemake's `--logger nao`."""

    writes_to_stream = True  # pyright: ignore[reportAssignmentType]
    writes_to_file = False  # pyright: ignore[reportAssignmentType]
    has_filter = True  # pyright: ignore[reportAssignmentType]
    has_formatter = True  # pyright: ignore[reportAssignmentType]
    needs_rulegraph = False  # pyright: ignore[reportAssignmentType]

    def __post_init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.progress = Progress()
        self.live = Live(console=self.console, refresh_per_second=2, transient=True)
        self.live.get_renderable = self._render

    def emit(self, record: LogRecord) -> None:
        try:
            self._handle(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Snakemake closes a handler more than once."""
        if self.live.is_started:
            self.live.stop()
            self._print(self.progress.ending())
        super().close()

    def _handle(self, record: LogRecord) -> None:
        values = vars(record)
        match values.get("event"):
            case LogEvent.RUN_INFO:
                self._begin(values["stats"])
            case LogEvent.JOB_INFO if not self.common_settings.dryrun:
                log = next(iter(values.get("log") or []), None)
                wildcards = ", ".join(str(v) for v in (values.get("wildcards") or {}).values())
                title = f"{values['rule_name']} {wildcards}".strip()
                job = RunningJob(values["rule_name"], title, Path(log) if log else None)
                self.progress.start(values["jobid"], job)
            case LogEvent.JOB_FINISHED:
                job = self.progress.finish(values["job_id"])
                if job and not self.console.is_terminal:
                    self._print(f"{job.title} ({clock(job.seconds)}); {self.progress.summary()}")
            case LogEvent.JOB_ERROR:
                if job := self.progress.fail(values["jobid"]):
                    self._print(f"failed: {job.title}", "red")
            case LogEvent.ERROR if not self.progress.failed:
                self._print(record.getMessage(), "red")
            case None:
                self._tell(record)

    def _begin(self, jobs: dict[str, int]) -> None:
        if self.common_settings.dryrun:
            for rule, count in jobs.items():
                self._print(f"{count:6d} {rule}")
            return
        self.progress.plan(jobs)
        if self.console.is_terminal:
            self.live.start()

    def _tell(self, record: LogRecord) -> None:
        """Messages without an event: those that a user can act on."""
        message = record.getMessage()
        if record.levelno >= ERROR and not self.progress.failed:
            self._print(message, "red")
        elif record.levelno == WARNING or message.startswith("Nothing to be done"):
            self._print(message)

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)

    def _render(self) -> Group:
        bar = Table.grid(padding=(0, 1))
        counts = self.progress.summary()
        bar.add_row(
            ProgressBar(total=self.progress.total, completed=self.progress.done, width=30), counts
        )
        jobs = [
            Text(f"  {job.title} {clock(job.seconds)}  {last_line(job.log)}", overflow="ellipsis")
            for job in list(self.progress.running.values())
        ]
        for line in jobs:
            line.no_wrap = True
        return Group(bar, *jobs)


def clock(seconds: float) -> str:
    """Seconds below a minute, otherwise h:mm:ss without leading zeros."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def last_line(log: Path | None) -> str:
    """The last line that a job has written to its log; empty where there is none."""
    try:
        with open(log or "", "rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
