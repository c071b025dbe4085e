"""Counts and times of a run's jobs."""

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

TAIL = 400  # bytes of a log in which its last line is sought


@dataclass
class Job:
    """A job that was handed over: it runs at once here, and elsewhere when its log appears.

    A cluster's clock may differ from ours: a log is new if it is another than it was.
    """

    rule: str
    title: str
    log: Path | None
    local: bool = True
    started: float | None = None

    def __post_init__(self) -> None:
        self._before = self._state()
        if self.local or self.log is None:
            self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it runs; 0 as long as it waits in a queue."""
        if self.started is None and self._state() not in (None, self._before):
            self.started = time.monotonic()
        return 0.0 if self.started is None else time.monotonic() - self.started

    @property
    def queued(self) -> bool:
        return self.seconds == 0.0 and self.started is None

    def _state(self) -> tuple[int, int, int] | None:
        try:
            state = os.stat(self.log or "")
        except OSError:
            return None
        return state.st_ino, state.st_size, state.st_mtime_ns


@dataclass
class Progress:
    """Counts of jobs, and the time that their rules have taken so far."""

    waiting: Counter[str] = field(default_factory=Counter)
    active: dict[int, Job] = field(default_factory=dict)
    durations: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    widest: int = 1  # jobs seen running side by side
    begun: float = field(default_factory=time.monotonic)

    def plan(self, jobs: dict[str, int]) -> None:
        self.waiting = Counter({rule: count for rule, count in jobs.items() if rule != "total"})
        self.total = self.waiting.total()

    def start(self, number: int, job: Job) -> None:
        """A job is handed over; one that had failed is tried again."""
        if self.failed.pop(number, None) is None:
            self.waiting[job.rule] -= 1
        self.active[number] = job
        self.look()

    def look(self) -> None:
        """Notice which jobs have left their queue."""
        self.widest = max(self.widest, len(self.running))

    @property
    def running(self) -> list[Job]:
        return [job for job in list(self.active.values()) if not job.queued]

    def finish(self, number: int) -> Job | None:
        self.done += 1
        job = self.active.pop(number, None)
        if job and job.started is not None:
            self.durations.setdefault(job.rule, []).append(job.seconds)
        return job

    def fail(self, number: int) -> Job | None:
        """The job, the first time that it is told of."""
        if job := self.active.pop(number, None):
            self.failed[number] = job
        return job

    def seconds_left(self) -> float | None:
        """Each rule's mean time over its jobs that are left, shared by the jobs side by side.

        A rule that has not finished a job counts as the longest that one of its jobs has run, or as
        the mean of all others; None until anything has finished. Waiting in a queue is not in it.
        """
        finished = [seconds for times in self.durations.values() for seconds in times]
        if not finished:
            return None
        overall = sum(finished) / len(finished)
        active = list(self.active.values())

        def typical(rule: str) -> float:
            if times := self.durations.get(rule):
                return sum(times) / len(times)
            return max([j.seconds for j in active if j.rule == rule and not j.queued] or [overall])

        waiting = sum(typical(rule) * count for rule, count in self.waiting.items() if count > 0)
        running = sum(max(typical(j.rule) - j.seconds, 0) for j in active)
        return (waiting + running) / self.widest

    def ending(self) -> str:
        """What is left on a terminal when the bar is gone."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return (
            f"{self.done} of {self.total} done{failed}, in {clock(time.monotonic() - self.begun)}"
        )

    def summary(self) -> str:
        self.look()
        left, running = self.seconds_left(), len(self.running)
        queued = len(self.active) - running
        parts = [f"{self.done} of {self.total} done", f"{running} running"]
        parts += [f"{queued} queued"] if queued else []
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts += [f"{clock(left)} left" if left is not None else "estimating the time left"]
        return ", ".join(parts)


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
