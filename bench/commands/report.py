"""`bench report`: one self-contained HTML file of one or more runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    names: Annotated[list[str] | None, typer.Argument(help="Runs: paths, ids, unique prefixes, latest.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File or folder; the first run's folder.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Write a report for the browser: charts, tables, operators, raw samples. It works offline."""
    from results.report.page import write_report
    from results.store import open_run

    chosen = [open_run(runs, name) for name in names or ["latest"]]
    path = out if out is not None else chosen[0].folder or Path()
    path = path / "report.html" if path.is_dir() else path
    size = write_report(chosen, path)
    print(f"{path} ({size / 1e6:.1f} MB)")
