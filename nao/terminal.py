"""What commands share: how they speak, and the trees and the clone that they look at."""

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from nao.config import ConfigError
from nao.provenance.audit import Audit, Finding, audit, printable
from nao.provenance.clone import clone_at, today_at
from nao.provenance.today import Today
from nao.provenance.trees import publication_of, trees_in

RESULTS = Path("results")
Paths = Annotated[
    list[Path] | None, typer.Argument(help="Artefacts or folders [all trees in results].")
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Clone = Annotated[
    Path | None,
    typer.Option("--clone", help="The clone whose code, workflow and configuration are today's."),
]


def trees(made_here: bool = False) -> list[Path]:
    """The trees in results; without the published ones, where only those made here will do."""
    found = [t for t in trees_in(RESULTS) if not (made_here and publication_of(t))]
    if not found:
        kind = "tree that was made here" if made_here else "tree"
        fail(f"{RESULTS} holds no {kind}; run make figures, or name one")
    return found


def audited(paths: list[Path], today: Today | None) -> Audit:
    """The audit of these, counted on the terminal while it lasts."""
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


def today_of(clone: Path | None) -> Today | None:
    """What the clone would make today: the one named, or the one at hand."""
    try:
        return today_at(clone_at(clone))
    except (ConfigError, FileNotFoundError) as error:
        fail(str(error))


def print_json(content: Any) -> None:
    """On standard output, for programs."""
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


def fail(sentence: str) -> NoReturn:
    """One sentence on standard error, exit code 2."""
    note(f"error: {sentence}")
    raise typer.Exit(2)


def refuse_folder(out: Path) -> None:
    """End in one sentence, before any work, where a folder has the name of the file to write."""
    if out.is_dir():
        fail(f"{out} is a folder; name a file in it")


def note(sentence: str) -> None:
    """What a reader who waits wants to know, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(escape(printable(sentence)))


def waiting(doing: str) -> Status:
    """What is being done, told on a terminal while it is."""
    return Console(stderr=True).status(escape(printable(doing)))
