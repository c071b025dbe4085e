"""Progress of a run on the terminal: what is done, what runs and how far it is, the time left.

On a terminal, a bar and one line per running job with the last line of its log; elsewhere one line
per finished job. Jobs that wait in a cluster's queue are counted apart, and times are of running.
What ended a job is told when it happens; what a script says of its failure, by the workflow at the
end. Snakemake's own full log goes to `.snakemake/log` as always.
"""

from logging import ERROR, WARNING, LogRecord
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_nao.progress import Job, Progress, clock, last_line
from snakemake_logger_plugin_nao.reasons import reason

# What Snakemake says of a failed script beside the script's own sentence, which is told at the end.
ECHOES = frozenset({"RuleException", "CalledProcessError"})
# On an account that SLURM takes from SBATCH_ACCOUNT or chooses itself; a refusal is told as one.
GUESSES = ("No SLURM account given", "No account was given", "Unable to guess SLURM account")
ENDINGS = ("Exiting because a job execution failed", "At least one job did not complete")


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
                job = Job(values["rule_name"], title, Path(log) if log else None, values["local"])
                self.progress.start(values["jobid"], job)
            case LogEvent.JOB_FINISHED:
                job = self.progress.finish(values["job_id"])
                if job and not self.console.is_terminal:
                    # Nobody looked while a short job of a cluster ran.
                    took = f" ({clock(job.seconds)})" if job.started is not None else ""
                    self._print(f"{job.title}{took}; {self.progress.summary()}")
            case LogEvent.JOB_ERROR:
                if job := self.progress.fail(values["jobid"]):
                    own = str(job.log)
                    logs = [log for log in values.get("log") or [] if str(log) != own]
                    why = reason(values.get("rule_msg"), [*logs, own] if not job.local else [])
                    self._print(f"failed: {job.title}" + (f": {why}" if why else ""), "red")
            case LogEvent.GROUP_ERROR:
                self._tell_of_group(values)
            case LogEvent.ERROR if values.get("exception") not in ECHOES:
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

    def _tell_of_group(self, values: dict[str, Any]) -> None:
        """Jobs that were one job of a cluster: its end once, not once a member."""
        jobs = [self.progress.fail(info["jobid"]) for info in values.get("job_error_info") or []]
        titles = [job.title for job in jobs if job]
        if titles:
            logs = [log for log in values.get("aux_logs") or [] if log]
            why = reason(values.get("msg"), logs)
            more = f" and {len(titles) - 1} more of its group" if len(titles) > 1 else ""
            self._print(f"failed: {titles[0]}{more}" + (f": {why}" if why else ""), "red")

    def _tell(self, record: LogRecord) -> None:
        """Messages without an event: those that a user can act on."""
        message = record.getMessage()
        if record.levelno >= ERROR:
            if not message.startswith(ENDINGS):
                self._print(message, "red")
        elif message.startswith(("Nothing to be done", "Trying to")) or (
            record.levelno == WARNING and not message.startswith(GUESSES)
        ):
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
            for job in self.progress.running
        ]
        for line in jobs:
            line.no_wrap = True
        return Group(bar, *jobs)
