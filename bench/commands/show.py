"""`bench show`: a run's cells with intervals, verdicts and the reasons for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.cell_result import CellResult
    from results.store import Evidence


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(
    run: Annotated[str, typer.Argument(help="Path, id, unique prefix of one, or latest.")] = "latest",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    waive: Annotated[list[str] | None, typer.Option(help="Verdict codes that shall not count.")] = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Every reason of every cell, not the worst of each.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the cells as JSON.")] = False,
) -> None:
    """Show a run's cells: latency with its 95 % interval, costs, verdict and reasons."""
    from results.derive import cells
    from results.store import open_run

    evidence = open_run(runs, run)
    codes = [code for text in waive or () for code in text.split(",")]
    print_cells(evidence, cells(evidence, codes), as_json=json, every_reason=reasons)


def print_cells(
    evidence: Evidence, results: Sequence[CellResult], *, as_json: bool, every_reason: bool = False
) -> None:
    """Print a run's cells on stdout, as tables of at most 100 columns or as JSON."""
    if as_json:
        print(cells_json(evidence, results))
        return
    from bench.tables import cell_tables, console, notes

    out = console()
    for table in cell_tables(results):
        out.print(table)
    for note in notes(evidence, results, every_reason):
        out.print(note)


def cells_json(evidence: Evidence, results: Sequence[CellResult]) -> str:
    """`{run, device, devices, quick, cells}`; `device` joins the names of several by commas."""
    import json

    names = [device.name for device in evidence.run.devices]
    record = {
        "run": evidence.run.id,
        "device": ",".join(names),
        "devices": names,
        "quick": evidence.run.quick,
        "cells": [cell.model_dump(mode="json") for cell in results],
    }
    return json.dumps(record, indent=1)
