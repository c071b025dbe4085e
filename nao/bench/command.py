"""`nao bench`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def bench_command(
    folder: Annotated[Path, typer.Option("--out", help="Where the table and the plot go.")] = Path(
        "results/bench"
    ),
    device: Annotated[str, typer.Option(help="cpu, or cuda for the training step.")] = "cpu",
    threads: Annotated[
        int, typer.Option(min=1, help="For torch and BLAS; the ratios are per core by default.")
    ] = 1,
    seconds: Annotated[float, typer.Option(min=0, help="For each comparison.")] = 6.0,
) -> None:
    """What training steps, data and estimators cost on this machine, as ratios.

    Writes bench.parquet, bench.md, bench.png and bench.pdf.
    """
    # Here, so that the other commands start without torch.
    from nao.bench.plot import draw
    from nao.bench.report import describe_machine, run_all, to_markdown, write
    from nao.figures import save
    from nao.training.train import DeviceError, require_device

    try:
        where = require_device(device)
    except DeviceError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True, highlight=False)
    with console.status("bench") as status:
        table = run_all(folder, where, threads, seconds, status.update)
    machine = describe_machine(where, threads)
    write(table, machine, folder)
    for suffix in ("png", "pdf"):
        save(draw(table), folder / f"bench.{suffix}")
    typer.echo(to_markdown(table, machine))
