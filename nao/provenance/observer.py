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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nao.provenance.record import Job, recording


@contextmanager
def observed(snakemake: Any, **seeds: int) -> Iterator[Job]:
    """Send all output to the rule's log, and record the work in the block.

    `snakemake` is the object that a script is given. If the block fails, the log ends with the
    traceback and one line `error: …`, which the workflow repeats on the terminal, and the process
    ends with exit code 1.
    """
    _redirect_output(snakemake.log[0])
    try:
        with recording(
            rule=snakemake.rule,
            script=Path(snakemake.scriptdir, f"{snakemake.rule}.py"),
            inputs=list(snakemake.input),
            outputs=list(snakemake.output),
            params=dict(snakemake.params.items()),
            wildcards=dict(snakemake.wildcards.items()),
            seeds=seeds,
        ) as record:
            yield record
    except Exception as fault:
        traceback.print_exc()
        sentence = " ".join(str(fault).split()) or type(fault).__name__
        if not isinstance(fault, ValueError | OSError | RuntimeError):
            sentence = f"{type(fault).__name__}: {sentence}"
        where = " ".join([snakemake.rule, *snakemake.wildcards])
        sys.exit(f"error: {where}: {sentence}")


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


def _redirect_output(path: str) -> None:
    """At the level of the operating system, so that libraries' own output is caught too."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
