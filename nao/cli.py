"""The ``nao`` command."""

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from nao.bench.command import bench_command
from nao.config import ConfigError, load
from nao.folder import Occupied, recover
from nao.provenance import view
from nao.provenance.audit import Audit, Finding, audit, printable
from nao.provenance.clone import clone_at, plan_at, today_at
from nao.provenance.difference import compare
from nao.provenance.explain import newly_planned, rebuilds
from nao.provenance.lineage import (
    LineageError,
    behind,
    lineage,
    points_of,
    resting_on,
    rows_of,
)
from nao.provenance.lineage_view import show_down, show_lineage
from nao.provenance.publication import PublicationError, publish
from nao.provenance.reproduce import Outcome, Repetition, repeat, sample
from nao.provenance.schema import Record
from nao.provenance.today import Today
from nao.provenance.trees import publication_of, trees_in
from nao.reference import config_commands
from nao.requests import as_markdown

app = typer.Typer(
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
console = Console(highlight=False, soft_wrap=True)

RESULTS = Path("results")
Paths = Annotated[
    list[Path] | None, typer.Argument(help="Artefacts or folders [all trees in results].")
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Clone = Annotated[
    Path | None,
    typer.Option("--clone", help="The clone whose code, workflow and configuration are today's."),
]
Within = Annotated[Path, typer.Option("--in", help="Where records are looked for.")]


@app.command("audit")
def audit_command(
    paths: Paths = None,
    as_json: Json = False,
    whole: Annotated[bool, typer.Option("--all", help="Show verified branches, too.")] = False,
    clone: Clone = None,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="Do not compare with today's clone.")
    ] = False,
    seal: Annotated[
        str | None, typer.Option(help="The seal that an earlier audit of the same showed.")
    ] = None,
) -> None:
    """Hash everything again, from the artefacts to their roots.

    verified, published, stale, unrecorded, unreadable, missing or tampered; exit code 0 only if
    all is verified, or published and as recorded.
    """
    result = _audited(paths or _trees(), None if files_only else _today(clone))
    if as_json:
        _print_json(view.audit_json(result))
    else:
        view.show_audit(console, result, whole)
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
        _print_json(view.lineage_json(found, points, records))
    else:
        show_lineage(console, found, points if chosen else None, records, whole)


def _show_down(path: Path, as_json: bool, whole: bool) -> None:
    try:
        found = resting_on(path)
    except LineageError as error:
        fail(str(error))
    if as_json:
        _print_json({"schema": "nao-lineage-down/1", "artefacts": list(found)})
    else:
        show_down(console, path, found, whole)


@app.command("explain")
def explain_command(paths: Paths = None, as_json: Json = False, clone: Clone = None) -> None:
    """What would be made anew, why, and at what cost by the recorded times."""
    today = _today(clone)
    if today is None:
        fail("there is no clone here whose code could make anything anew; name one with --clone")
    result = _audited(paths or _trees(made_here=True), today)
    jobs = rebuilds(result)
    for base in sorted({finding.base for finding in result.findings.values()}):
        plan = plan_at(today.repository, base.name)
        jobs += newly_planned(plan, base, result, jobs) if plan else []
    if as_json:
        _print_json(view.explain_json(jobs))
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
        _print_json(view.diff_json(found))
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
        _print_json(view.reproduce_json(done))
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


@export.command("crate")
def crate_command(
    out: Annotated[Path, typer.Argument(help="A new folder, or a new .zip file.")],
    paths: Annotated[list[Path] | None, typer.Option("--of", help="What to export.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="A folder of the tree whose files stay out, as datasets; records go in."),
    ] = None,
    clone: Clone = None,
) -> None:
    """The results with their code and provenance as a Workflow Run RO-Crate."""
    from nao.provenance.crate import CrateError, export_crate  # rocrate is slow to import

    try:
        home = clone_at(clone)
        if home is None:
            fail("there is no clone here whose code belongs into the crate; name one with --clone")
        result = _audited(paths or _trees(made_here=True), None)
        left_out = frozenset(without or ())
        inside = [f for f in result.findings.values() if f.folder not in left_out]
        size = sum(finding.facts.size or 0 for finding in inside)
        note(f"{len(inside)} files, {size / 1e6:.3g} MB, and {len(result.findings)} records")
        with waiting(f"writing {out}"):
            export_crate(result, home, out, left_out)
    except (CrateError, FileNotFoundError, FileExistsError) as error:
        fail(str(error))
    typer.echo(f"{out} written")


@app.command("publish")
def publish_command(
    tree: Annotated[Path, typer.Argument(help="A finished results tree.")],
    out: Annotated[Path, typer.Argument(help="A new folder, or an earlier publication.")],
    clone: Clone = None,
) -> None:
    """Figures, claims and their tables in a folder to commit, with every record behind them.

    Data sets, weights and estimates are left out; nao audit knows them as not shipped.
    """
    if not tree.is_dir():
        fail(f"{tree} is no folder; name a results tree")
    try:
        files = publish(_audited([tree], _today(clone)), out)
    except (PublicationError, OSError) as error:
        fail(str(error))
    typer.echo(f"{out} written: {len(files)} files of {tree} and the records behind them")


@app.command("page")
def page_command(
    out: Annotated[Path, typer.Argument(help="The HTML file to write.")],
    tree: Annotated[Path, typer.Option("--of", help="A results tree.")] = RESULTS / "laptop",
    clone: Clone = None,
) -> None:
    """One self-contained page: gallery, claims, and each figure's making, point by point."""
    from nao.provenance.page import PageError, write_page  # Jinja and Pillow are for it alone

    if not tree.is_dir():
        fail(f"{tree} is no folder; name a results tree")
    try:
        result = _audited([tree], _today(clone))
        with waiting(f"writing {out}"):
            write_page(result, out, clone_at(clone))
    except PageError as error:
        fail(str(error))
    typer.echo(f"{out} written")


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


def _trees(made_here: bool = False) -> list[Path]:
    """The trees in results; without the published ones, where only those made here will do."""
    found = [t for t in trees_in(RESULTS) if not (made_here and publication_of(t))]
    if not found:
        fail(
            f"{RESULTS}: no tree {'made ' if made_here else ''}there; run make figures, or name one"
        )
    return found


def _audited(paths: list[Path], today: Today | None) -> Audit:
    looked = [0, 0]
    with waiting("looking at files") as status:

        def count(finding: Finding) -> None:
            looked[0] += 1
            looked[1] += finding.facts.size or 0
            status.update(f"looked at {looked[0]} files, {looked[1] / 1e6:.3g} MB")

        result = audit(paths, today, count)
    if not result.findings:
        fail(f"{', '.join(map(str, paths))}: no artefacts there; name another path")
    return result


def _today(clone: Path | None) -> Today | None:
    try:
        return today_at(clone_at(clone))
    except (ConfigError, FileNotFoundError) as error:
        fail(str(error))


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


def fail(sentence: str) -> NoReturn:
    """One sentence on standard error, exit code 2."""
    note(f"error: {sentence}")
    raise typer.Exit(2)


def note(sentence: str) -> None:
    """What a reader who waits wants to know, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(escape(printable(sentence)))


def waiting(doing: str) -> Status:
    """What is being done, told on a terminal while it is."""
    return Console(stderr=True).status(escape(printable(doing)))
