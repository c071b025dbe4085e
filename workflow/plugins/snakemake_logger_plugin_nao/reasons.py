"""Why a job failed, in a sentence, from what the engine and the cluster say of it."""

import re
from collections.abc import Iterable
from pathlib import Path

STATES = {
    "TIMEOUT": "it took longer than the time it asked for",
    "OUT_OF_MEMORY": "it took more memory than it asked for",
    "NODE_FAIL": "its node was lost",
    "BOOT_FAIL": "its node did not start",
    "PREEMPTED": "another job took its place",
    "CANCELLED": "it was cancelled",
    "DEADLINE": "it could not have ended before its deadline",
}
SIGNS = (  # in the log of a cluster's job, and what they mean
    (r"DUE TO TIME LIMIT", STATES["TIMEOUT"]),
    (r"[Ee]xceeded .*memory limit|[Oo]ut.of.memory|oom.kill", STATES["OUT_OF_MEMORY"]),
    (r"DUE TO NODE FAILURE", STATES["NODE_FAIL"]),
    (r"DUE TO PREEMPTION", STATES["PREEMPTED"]),
    (r"No space left on device", "a disk is full: No space left on device"),
    (r"Disk quota exceeded", "the quota of a disk is used up: Disk quota exceeded"),
)
READ = 20_000  # bytes of a log in which signs are sought


def reason(message: str | None, logs: Iterable[str | Path]) -> str:
    """One sentence without its full stop; empty where nothing but the job's own log can tell."""
    message = message or ""
    if refusal := re.search(r"The error message was '(.*?)'\.?\s*(?:\n|$)", message, re.DOTALL):
        return f"the cluster refused it: {_line(refusal[1])}"
    state = re.search(r"(SLURM-job|SLURM job) '?(\d+)'?.*?status is: '(\w+)'", message, re.DOTALL)
    told = _signs(logs)
    if state:
        why = told or STATES.get(state[3], "")
        return f"SLURM job {state[2]} ended as {state[3]}" + (f": {why}" if why else "")
    if told:
        return told
    own = message.partition("For further error details")[0]
    return _line(own)


def _signs(logs: Iterable[str | Path]) -> str:
    """What the logs show to have happened, the last sign first."""
    for log in logs:
        try:
            text = Path(log).read_bytes()[-READ:].decode(errors="replace")
        except OSError:
            continue
        for line in reversed(text.splitlines()):
            for sign, meaning in SIGNS:
                if re.search(sign, line):
                    return meaning
    return ""


def _line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
