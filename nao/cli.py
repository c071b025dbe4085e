"""The ``nao`` command."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from nao.bench.command import bench_command
from nao.config import ConfigError, load
from nao.folder import Occupied, recover
from nao.handover import crate_command, findings_command, page_command, publish_command
from nao.provenance import view
from nao.provenance.audit_view import show_audit
from nao.provenance.budgets import budgets
from nao.provenance.clone import clone_at, plan_at
from nao.provenance.difference import compare
from nao.provenance.explain import astray, makers_in, newly_planned, rebuilds
from nao.provenance.lineage import (
    LineageError,
    behind,
    lineage,
    points_of,
    resting_on,
    rows_of,
)
from nao.provenance.lineage_view import show_budgets, show_down, show_lineage
from nao.provenance.reproduce import Outcome, Repetition, repeat, sample
from nao.provenance.schema import Record
from nao.reference import config_commands
from nao.requests import as_markdown
from nao.terminal import (
    RESULTS,
    Clone,
    Json,
    Paths,
    audited,
    fail,
    note,
    print_json,
    refuse_folder,
    today_of,
    trees,
)


class Commands(typer.Typer):
    """Commands that speak UTF-8 and end in one sentence whatever goes wrong, in no traceback."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):  # some locales have no ✓, no σ
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
        try:
            return super().__call__(*arguments, **options)
        except Exception as fault:
            sentence = " ".join(str(fault).split())
            expected = isinstance(fault, ValueError | OSError | RuntimeError) and sentence
            note(f"error: {sentence if expected else f'{type(fault).__name__}: {sentence}'}")
            sys.exit(2)


app = Commands(
    name="nao",
    help="The nonlocal attention operator: where its figures come from.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # which takes brackets in a sentence for markup
    pretty_exceptions_enable=False,
)
export = typer.Typer(
    help="Hand the results to others.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(export, name="export")
app.add_typer(config_commands, name="config")
app.command("bench")(bench_command)
app.command("publish")(publish_command)
app.command("findings")(findings_command)
app.command("page")(page_command)
export.command("crate")(crate_command)
console = Console(highlight=False, soft_wrap=True)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"nao {version('nao')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="The version alone."),
    ] = False,
) -> None:
    pass


Within = Annotated[Path, typer.Option("--in", help="Where records are looked for.")]


@app.command("audit")
def audit_command(
    paths: Paths = None,
    as_json: Json = False,
    whole: Annotated[
        bool, typer.Option("--all", help="Every artefact with all its reasons.")
    ] = False,
    clone: Clone = None,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="Do not compare with today's clone.")
    ] = False,
    seal: Annotated[
        str | None, typer.Option(help="The seal that an earlier audit of the same showed.")
    ] = None,
) -> None:
    """Hash everything again, from the artefacts to their roots.

    verified, published, earlier, stale, unrecorded, unreadable, missing or tampered; exit code 0
    only if all is verified, or published, today or earlier, and as recorded.
    """
    result = audited(paths or trees(), None if files_only else today_of(clone))
    if as_json:
        print_json(view.audit_json(result))
    else:
        show_audit(console, result, whole)
    if seal is not None and seal != result.seal:
        fail(f"the seal is {result.seal}, not {seal}: something was made or changed since")
    raise typer.Exit(0 if result.sound else 1)


@app.command("lineage")
def lineage_command(
    path: Annotated[Path, typer.Argument(help="An artefact, or a PNG or PDF from anywhere.")],
    point: Annotated[
        list[str] | None,
        typer.Option("--point", help="column=value of a plotted point, as in value=0.1."),
    ] = None,
    down: Annotated[
        bool, typer.Option("--down", help="The other way: what rests on this artefact.")
    ] = False,
    whole: Annotated[bool, typer.Option("--all", help="Every artefact and setting.")] = False,
    within: Within = RESULTS,
    as_json: Json = False,
) -> None:
    """From a figure, or points of it, to rows, runs, replicates, seeds, data and settings."""
    if down:
        _show_down(path, as_json, whole)
        return
    chosen = {}
    for each in point or []:
        column, equals, value = each.partition("=")
        if not equals:
            fail(f"--point {each} is not column=value; write it as in value=0.1")
        chosen[column] = value
    try:
        found = lineage(path, within)
        rows = rows_of(found, **chosen) if chosen or found.tables else None
        points = points_of(rows) if rows is not None else None
        records = behind(found, rows) if chosen and rows is not None else found.records
    except LineageError as error:
        fail(str(error))
    if as_json:
        print_json(view.lineage_json(found, points, records))
    else:
        show_lineage(console, found, points if chosen else None, records, whole)


def _show_down(path: Path, as_json: bool, whole: bool) -> None:
    try:
        found = resting_on(path)
    except LineageError as error:
        fail(str(error))
    if as_json:
        print_json({"schema": "nao-lineage-down/1", "artefacts": list(found)})
    else:
        show_down(console, path, found, whole)


@app.command("budgets")
def budgets_command(
    path: Annotated[Path, typer.Argument(help="An experiment's table, or what rests on some.")],
    as_json: Json = False,
) -> None:
    """What data and how much processor time each estimator was given, by the records."""
    try:
        given = budgets(lineage(path))
    except LineageError as error:
        fail(str(error))
    if as_json:
        print_json(view.budgets_json(given))
    else:
        show_budgets(console, given)


@app.command("explain")
def explain_command(paths: Paths = None, as_json: Json = False, clone: Clone = None) -> None:
    """What would be made anew, why, and at what cost by the recorded times."""
    today = today_of(clone)
    if today is None:
        fail("there is no clone here whose code could make anything anew; name one with --clone")
    result = audited(paths or trees(made_here=True), today)
    jobs = rebuilds(result)
    for base in sorted({finding.base for finding in result.findings.values()}):
        makers = makers_in(plan_at(today.repository, base.name))
        for path in astray(makers, base, result):
            fail(f"{path} is not there, and no job makes it; name a file that is, or is planned")
        jobs += newly_planned(makers, base, result, jobs)
    if as_json:
        print_json(view.explain_json(jobs))
    else:
        view.show_explain(console, jobs)


@app.command("diff")
def diff_command(
    one: Path,
    two: Path,
    as_json: Json = False,
    page: Annotated[Path | None, typer.Option(help="Write it as a page, to this file.")] = None,
) -> None:
    """Two artefacts or trees: inputs, parameters, functions, environment, and moved numbers.

    Exit code 0 only if nothing differs but the machine.
    """
    if page is not None:
        refuse_folder(page)
    try:
        found = compare(one, two)
    except FileNotFoundError as error:
        fail(str(error))
    if page is not None:
        from nao.provenance.page import PageError, write_comparison  # as for nao page

        try:
            write_comparison(found, one, two, page)
        except PageError as error:
            fail(str(error))
        typer.echo(f"{page} written")
    elif as_json:
        print_json(view.diff_json(found))
    else:
        view.show_diff(console, found)
    raise typer.Exit(0 if all(each.equal for each in found) else 1)


@app.command("reproduce")
def reproduce_command(
    path: Annotated[Path, typer.Argument(help="An artefact.")],
    count: Annotated[
        int | None, typer.Option("--sample", min=1, help="Only so many jobs, its own among them.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which jobs the sample draws.")] = 0,
    clone: Clone = None,
    as_json: Json = False,
) -> None:
    """Make an artefact and what it rests on again, job by job, in a scratch folder.

    Exit code 0 only if every job gave the same bytes, or the same within its replicates' spread.
    """
    try:
        home = clone_at(clone)
        found = lineage(path)
    except (LineageError, FileNotFoundError) as error:
        fail(str(error))
    if home is None:
        fail("there is no clone here whose code could make it again; name one with --clone")
    records = sample(found, count, np.random.default_rng(seed))
    done = _repeated(records, found.base, home)
    if as_json:
        print_json(view.reproduce_json(done))
    else:
        view.show_reproduce(console, done)
    good = {Outcome.SAME, Outcome.TOLERATED}
    raise typer.Exit(0 if all(set(job.outcomes.values()) <= good for job in done) else 1)


def _repeated(records: list[Record], base: Path, home: Path) -> list[Repetition]:
    """Made again, each job announced with the time that it took when it was recorded."""
    cost = sum(record.execution.cpu_seconds for record in records)
    note(f"{len(records)} jobs, which took {view.duration(cost)} of a core when recorded")
    numbers = iter(range(1, len(records) + 1))

    def announce(record: Record) -> None:
        where = " ".join([record.rule, *record.wildcards.values()])
        took = view.duration(record.execution.wall_seconds)
        note(f"{next(numbers)} of {len(records)}: {where}, {took} when recorded")

    return repeat(records, base, home, report=announce)


@app.command("requests")
def requests_command(
    config: Annotated[Path, typer.Option(help="The configuration.")] = Path("config.yaml"),
) -> None:
    """What each rule's jobs ask of a machine at each scale, as a table in Markdown."""
    try:
        typer.echo(as_markdown(load(config)))
    except ConfigError as error:
        fail(str(error))


@app.command("recover")
def recover_command(
    folder: Annotated[Path, typer.Argument(help="The clone that the run worked in.")] = Path(),
) -> None:
    """Free a folder whose run was killed: cancel its jobs in SLURM's queue, and unlock.

    Nothing is lost: the same command as before goes on where the run ended.
    """
    try:
        recover(folder, typer.echo)
    except Occupied as error:
        fail(str(error))


if __name__ == "__main__":
    app()
