"""Commands that hand results to others: a crate, a publication, a page."""

from pathlib import Path
from typing import Annotated

import typer

from nao.claims.findings import filled
from nao.files import atomic_path
from nao.provenance.clone import clone_at
from nao.provenance.publication import PublicationError, publish
from nao.terminal import (
    RESULTS,
    Clone,
    audited,
    fail,
    note,
    refuse_folder,
    today_of,
    trees,
    waiting,
)

README = Path("README.md")
GALLERY = RESULTS / "gallery"


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

    if not out.absolute().parent.is_dir():
        fail(f"{out} lies in a folder that is not there; make {out.parent}")
    try:
        home = clone_at(clone)
        if home is None:
            fail("there is no clone here whose code belongs into the crate; name one with --clone")
        result = audited(paths or trees(made_here=True), None)
        left_out = frozenset(without or ())
        folders = {f.folder for f in result.findings.values()}
        if unknown := left_out - folders:
            fail(
                f"--without {min(unknown)} names no folder of the results, so all would go out; "
                f"there are {', '.join(sorted(folders))}"
            )
        inside = [f for f in result.findings.values() if f.folder not in left_out]
        size = sum(finding.facts.size or 0 for finding in inside)
        note(f"{len(inside)} files, {size / 1e6:.3g} MB, and {len(result.findings)} records")
        with waiting(f"writing {out}"):
            export_crate(result, home, out, left_out)
    except (CrateError, FileNotFoundError, FileExistsError) as error:
        fail(str(error))
    typer.echo(f"{out} written")


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
        files = publish(audited([tree], today_of(clone)), out)
    except (PublicationError, OSError) as error:
        fail(str(error))
    typer.echo(f"{out} written: {len(files)} files of {tree} and the records behind them")


def findings_command(
    text: Annotated[Path, typer.Argument(help="A text whose numbers have addresses.")] = README,
    tree: Annotated[Path, typer.Option("--of", help="The tree to take them from.")] = GALLERY,
) -> None:
    """Bring the numbers of a text up to date: each `1.73<!-- C2e paper -->` from its table."""
    if not text.is_file():
        fail(f"{text} is no file; name a text whose numbers have addresses")
    if not tree.is_dir():
        fail(f"{tree} is no folder; name a results tree")
    before = text.read_text(encoding="utf-8")
    after = filled(before, tree)
    changed = sum(old != new for old, new in zip(before.split(), after.split(), strict=True))
    if changed:
        with atomic_path(text) as path:
            path.write_text(after, encoding="utf-8")
    typer.echo(f"{text}: {changed} numbers changed")


def page_command(
    out: Annotated[Path, typer.Argument(help="The HTML file to write.")],
    tree: Annotated[Path, typer.Option("--of", help="A results tree.")] = RESULTS / "laptop",
    clone: Clone = None,
) -> None:
    """One self-contained page: gallery, claims, and each figure's making, point by point."""
    from nao.provenance.page import PageError, write_page  # Jinja and Pillow are for it alone

    if not tree.is_dir():
        fail(f"{tree} is no folder; name a results tree")
    refuse_folder(out)
    try:
        result = audited([tree], today_of(clone))
        with waiting(f"writing {out}"):
            write_page(result, out, clone_at(clone))
    except PageError as error:
        fail(str(error))
    typer.echo(f"{out} written")
