"""`bench compare`: what changed between two runs, cell by cell and operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.compare import CellComparison, OperatorChange


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    run_a: Annotated[str, typer.Argument(help="Before: path, id, unique prefix of one, or latest.")],
    run_b: Annotated[str, typer.Argument(help="After.")],
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
) -> None:
    """Compare two runs: ratio of each cell with its 95 % interval, then the operators that changed, worst first.

    Runs made at different times also differ by whatever else changed on the device; `bench check` measures both
    sides interleaved.
    """
    import json as json_module

    from results import compare as comparing
    from results.store import open_run

    a, b = open_run(runs, run_a), open_run(runs, run_b)
    compared = comparing.compare(a, b)
    if json:
        record = {"a": a.run.id, "b": b.run.id, "cells": [cell.model_dump(mode="json") for cell in compared]}
        print(json_module.dumps(record, indent=1))
    elif markdown:
        print(to_markdown(a.run.id, b.run.id, compared))
    else:
        _print(a.run.id, b.run.id, compared)


def cell_row(cell: CellComparison) -> list[str]:
    """Network, format, precision, A, B, ratio, interval and answer as texts."""
    from bench.tables import figure

    sides = ["-" if value is None else figure(value, cell.unit) for value in (cell.a, cell.b)]
    interval = "-" if cell.low is None or cell.high is None else f"{cell.low:.3f} - {cell.high:.3f}"
    ratio = "-" if cell.ratio is None else f"{cell.ratio:.3f}"
    answer = f"only in {cell.only}" if cell.only else cell.answer
    return [cell.network, cell.format, cell.precision, *sides, ratio, interval, answer]


def verdicts(cell: CellComparison) -> str:
    """Verdicts of both sides with their codes, empty where both are valid."""
    parts = []
    for side, verdict, codes in (("A", cell.verdict_a, cell.reasons_a), ("B", cell.verdict_b, cell.reasons_b)):
        if verdict and verdict != "valid":
            parts.append(f"{side} {verdict} {' '.join(codes)}")
    return "; ".join(parts)


def change_row(change: OperatorChange, unit: str) -> list[str]:
    """Change, operator, kernels, times before and after, ratio, weight as texts."""
    scale, digits = (1.0, 1) if unit == "ms" else (1e-3, 0)
    times = ["-" if time is None else f"{time * scale:.{digits}f}" for time in (change.before, change.after)]
    kernels = " -> ".join(dict.fromkeys(k for k in (change.kernel_before, change.kernel_after) if k))
    ratio = "-" if change.ratio is None else f"{change.ratio:.2f}"
    return [change.change, change.operator, kernels, *times, ratio, f"{change.weight:+.1%}"]


CELL_COLUMNS = ("network", "format", "prec.", "A", "B", "B/A", "95 % interval", "answer")
CHANGE_COLUMNS = ("change", "operator", "kernel", "A", "B", "B/A", "of the cell")
UNITS = {"ms": "ms; operators in us", "instructions": "M instructions; operators in k instructions"}


def _print(a: str, b: str, compared: Sequence[CellComparison]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from bench.tables import console

    out = console()
    for unit, words in UNITS.items():
        mine = [cell for cell in compared if cell.unit == unit]
        if not mine:
            continue
        table = Table(title=f"A {escape(a)}, B {escape(b)}: {words}", title_justify="left", box=None, pad_edge=False)
        for name in CELL_COLUMNS:
            table.add_column(name, overflow="fold", justify="right" if name in ("A", "B", "B/A") else "left")
        for cell in mine:
            table.add_row(*map(escape, cell_row(cell)))
        out.print(table)
        for cell in mine:
            if note := verdicts(cell):
                out.print(f"{escape(cell.cell)}: {note}")
        for cell in mine:
            if cell.operators:
                changes = Table(title=escape(cell.cell), title_justify="left", box=None, pad_edge=False)
                for name in CHANGE_COLUMNS:
                    changes.add_column(name, overflow="fold")
                for change in cell.operators[:12]:
                    changes.add_row(*map(escape, change_row(change, unit)))
                out.print(changes)
                if len(cell.operators) > 12:
                    out.print(f"and {len(cell.operators) - 12} smaller changes; --json lists all")


def to_markdown(a: str, b: str, compared: Sequence[CellComparison]) -> str:
    """The same tables in Markdown."""
    lines = []
    for unit, words in UNITS.items():
        mine = [cell for cell in compared if cell.unit == unit]
        if not mine:
            continue
        lines += [f"A `{a}`, B `{b}`, in {words}", ""]
        lines += markdown_table((*CELL_COLUMNS, "verdicts"), [[*cell_row(cell), verdicts(cell)] for cell in mine])
        for cell in mine:
            if cell.operators:
                rows = [change_row(change, unit) for change in cell.operators]
                lines += ["", f"`{cell.cell}`", "", *markdown_table(CHANGE_COLUMNS, rows)]
        lines.append("")
    return "\n".join(lines)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; pipes inside cells are escaped."""
    written = [[text.replace("|", "\\|") for text in row] for row in (header, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in written]
    return [lines[0], "|" + "---|" * len(header), *lines[1:]]
