"""What stands around the work of every script: a log of its own, a record, errors in one sentence.

    with observed(snakemake, root=spec.seed) as record:
        ...

Like all of this package it watches, and is no part of a script's fingerprint.
"""

import math
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nao.provenance.record import Job, recording
from nao.provenance.schema import artefact_of


@contextmanager
def observed(snakemake: Any, **seeds: int) -> Iterator[Job]:
    """Send all output to the rule's log, and record the work in the block.

    `snakemake` is the object that a script is given. The log goes on below what earlier attempts at
    the job left in it. If the block fails, it ends with the traceback and one line `error: …`,
    which the workflow repeats on the terminal, and the process ends with exit code 1.
    """
    log = Path(snakemake.log[0])
    _redirect_output(log)
    try:
        with recording(
            rule=snakemake.rule,
            script=Path(snakemake.scriptdir, f"{snakemake.rule}.py"),
            inputs=_artefacts(snakemake.input),
            outputs=_artefacts(snakemake.output),
            params=snakemake.params.job,
            wildcards=dict(snakemake.wildcards.items()),
            seeds=seeds,
        ) as record:
            yield record
        _unfinished(log).unlink(missing_ok=True)
    except Exception as fault:
        sys.stdout.flush()
        traceback.print_exc()
        sentence = " ".join(str(fault).split()) or type(fault).__name__
        own = isinstance(fault, ValueError | OSError | RuntimeError)
        if not own and str(fault):
            sentence = f"{type(fault).__name__}: {sentence}"
        where = " ".join([snakemake.rule, *snakemake.wildcards])
        sys.exit(f"error: {where}: {sentence}")


def _artefacts(paths: Iterable[str]) -> list[str]:
    """The files of a job but for the records of them, which Snakemake carries along."""
    return [path for path in paths if artefact_of(Path(path)) is None]


class ProgressReport:
    """Prints how far a training is: at first, every `interval` seconds, and at the end."""

    def __init__(self, device: str, interval: float = 5.0):
        self.device, self.interval = device, interval
        self.first: tuple[int, float] | None = None
        self.printed = -math.inf

    def __call__(self, step: int, steps: int, loss: float) -> None:
        now = time.monotonic()
        # A resumed training does not begin at step 0.
        begun, since = self.first = self.first or (step, now)
        if now - self.printed < self.interval and step < steps:
            return
        self.printed = now
        line = f"step {step} of {steps}, loss {loss:.4g}, on {self.device}"
        if step > begun:
            rate = (step - begun) / (now - since)
            line += f", {rate:.0f} steps/s, {(steps - step) / rate:.0f} s left"
        print(line, flush=True)


def _redirect_output(log: Path) -> None:
    """At the level of the operating system, so that libraries' own output is caught too.

    Snakemake removes a job's log before each attempt. An unfinished one has a second name, so that
    the next attempt writes below it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _unfinished(log)
    again = unfinished.exists()
    log.unlink(missing_ok=True)
    if again:
        os.link(unfinished, log)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    if not again:
        with suppress(OSError):  # a file system without links keeps the last attempt alone
            os.link(log, unfinished)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        stream.reconfigure(encoding="utf-8")  # pyright: ignore[reportAttributeAccessIssue]
        os.dup2(file, stream.fileno())
    os.close(file)
    if again:
        print(f"--- begun again at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC ---", flush=True)


def _unfinished(log: Path) -> Path:
    """The second name of the log of a job that has not succeeded yet."""
    return log.with_name(f".{log.name}.unfinished")
