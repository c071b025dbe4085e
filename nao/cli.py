"""The ``nao`` command."""

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from nao.config import ConfigError
from nao.provenance.audit import Audit, audit
from nao.provenance.clone import clone_at, today_at
from nao.provenance.today import Today
from nao.provenance.view import audit_json, audit_trees

app = typer.Typer(
    name="nao",
    help="The nonlocal attention operator: where its figures come from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Paths = Annotated[list[Path] | None, typer.Argument(help="Artefacts or folders [results].")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Clone = Annotated[
    Path | None,
    typer.Option("--clone", help="The clone whose code, configuration and lock are today's."),
]


@app.callback()
def main() -> None:
    """The nonlocal attention operator: where its figures come from."""


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

    verified, stale, tampered, unrecorded or missing; exit code 0 only if all is verified.
    """
    today = None if files_only else _today(clone)
    result = audit(paths or [Path("results")], today)
    if not result.findings:
        fail(f"{', '.join(map(str, paths or ['results']))}: no artefacts there; name another path")
    if as_json:
        typer.echo(json.dumps(audit_json(result), indent=1, ensure_ascii=False))
    else:
        _show(result, whole)
    if seal is not None and seal != result.seal:
        fail(f"the seal is {result.seal}, not {seal}: something was made or changed since")
    raise typer.Exit(0 if result.verified else 1)


def _show(result: Audit, whole: bool) -> None:
    console = Console(highlight=False)
    for tree in audit_trees(result, whole):
        console.print(tree)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in result.counts.items() if count)
    console.print(f"{counts}; seal {result.seal}")
    if not result.with_today:
        console.print("Not compared with today's code, configuration and lock.")


def _today(clone: Path | None) -> Today | None:
    try:
        return today_at(clone_at(clone))
    except (ConfigError, FileNotFoundError) as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    """One sentence on standard error, exit code 2."""
    typer.echo(f"error: {sentence}", err=True)
    raise typer.Exit(2)
