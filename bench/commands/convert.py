"""`bench convert`: a run, or one of its cells, in the format of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(convert)


def convert(
    run: Annotated[str, typer.Argument(help="Path, id, unique prefix of one, or latest.")] = "latest",
    to: Annotated[str, typer.Option(help="csv, parquet, markdown, perfetto, model-explorer.")] = "csv",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file or folder; the run's folder.")] = None,
    network: Annotated[str | None, typer.Option(help="For perfetto and model-explorer: which cell.")] = None,
    format: Annotated[str | None, typer.Option(help="onnx, tflite.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, fp16, int8.")] = None,
    device: Annotated[str | None, typer.Option(help="A device of the run.")] = None,
    threads: Annotated[int | None, typer.Option(help="A thread count of the run.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Write cells as CSV, Parquet or Markdown; one cell's operators for Perfetto or Model Explorer."""
    from results.exports.formats import convert as write
    from results.store import open_run

    evidence = open_run(runs, run)
    wanted = {"network": network, "format": format, "precision": precision, "device": device, "threads": threads}
    given = {key: value for key, value in wanted.items() if value is not None}
    path = out if out is not None else evidence.folder or Path()
    print(write(evidence, to, path, lambda cell: all(getattr(cell.cell, k) == v for k, v in given.items())))
