"""`bench ops`: where a network's time goes, operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.operators import OperatorRow
    from results.store import Evidence
    from results.verdicts import CellEvidence


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ops")(ops)


def ops(
    run: Annotated[str, typer.Argument(help="Path, id, unique prefix of one, or latest.")],
    network: Annotated[str, typer.Argument(help="A network of the run, or a cell's whole id.")],
    format: Annotated[str | None, typer.Option(help="onnx, tflite.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, fp16, int8.")] = None,
    device: Annotated[str | None, typer.Option(help="A device of the run.")] = None,
    threads: Annotated[int | None, typer.Option(help="A thread count of the run.")] = None,
    by: Annotated[str, typer.Option(help="Sort by time or by order of execution.")] = "time",
    top: Annotated[int | None, typer.Option(help="Show only so many rows.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print a list of operators as JSON.")] = False,
) -> None:
    """Show each operator's time, share, MACs, bytes and rates, slowest first.

    Without --format and --precision every cell of the network that was profiled is shown.
    """
    from foundation.errors import UsageError
    from results.operators import operator_table
    from results.store import open_run

    if by not in ("time", "order"):
        raise UsageError(f"cannot sort by {by}", hint="--by time or --by order")
    evidence = open_run(runs, run)
    wanted = {"format": format, "precision": precision, "device": device, "threads": threads}
    chosen = choose(evidence, network, wanted)
    tables = [(cell, operator_table(cell)) for cell in chosen]
    if json:
        if len(tables) > 1:
            raise UsageError(
                f"{len(tables)} cells of {network} match; --json shows one",
                hint="add --format, --precision, --device or --threads: " + ", ".join(cell.cell.id for cell in chosen),
            )
        print(operators_json(_sorted(tables[0][1], by)))
        return
    for cell, rows in tables:
        print_operators(cell, _sorted(rows, by), top, evidence.run.waived)


def choose(evidence: Evidence, network: str, wanted: dict[str, str | int | None]) -> list[CellEvidence]:
    """The cells of a network that fit the options. Raises UsageError naming what there is when none does."""
    import difflib

    from foundation.errors import UsageError
    from results.derive import cell_evidence

    found = cell_evidence(evidence)
    names = sorted({cell.cell.network for cell in found})
    mine = [cell for cell in found if network in (cell.cell.network, cell.cell.id)]
    if not mine:
        near = difflib.get_close_matches(network, names, 3, 0.4) or names
        raise UsageError(f"{network} is not in run {evidence.run.id}", hint=f"it has {', '.join(near)}")
    fitting = [
        cell for cell in mine if all(value is None or getattr(cell.cell, key) == value for key, value in wanted.items())
    ]
    if not fitting:
        asked = " ".join(str(value) for value in wanted.values() if value is not None)
        raise UsageError(
            f"{network} was not measured as {asked}", hint="the run has " + ", ".join(cell.cell.id for cell in mine)
        )
    return fitting


def operators_json(rows: Sequence[OperatorRow]) -> str:
    """A list of `{order, name, type, median_us, share, macs, bytes, ...}`."""
    import json

    return json.dumps([row.model_dump(mode="json") for row in rows], indent=1)


def _sorted(rows: Sequence[OperatorRow], by: str) -> list[OperatorRow]:
    return sorted(rows, key=lambda row: -row.time if by == "time" else row.order)


def print_operators(
    cell: CellEvidence, rows: Sequence[OperatorRow], top: int | None, waived: Sequence[str] = ()
) -> None:
    """One table a cell, and what the reader must know about it below."""
    from rich.markup import escape
    from rich.table import Table

    from bench.tables import console
    from results.operators import unaligned_macs
    from results.verdicts import judge

    out = console()
    if not rows:
        out.print(f"{escape(cell.cell.id)}: no trial of this cell was profiled")
        return
    timed = cell.timed
    table = Table(title=escape(cell.cell.id), title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("#", justify="right")
    table.add_column("operator", overflow="fold")
    table.add_column("of the file", overflow="ellipsis", max_width=24, no_wrap=True)
    for name in (("us", "+-") if timed else ("k instr.",)) + ("share", "M MACs", "KB"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("GMAC/s", "GB/s") if timed else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("MAC/B", justify="right", no_wrap=True)
    for row in rows[:top]:
        reach = (row.interval.high - row.interval.low) / 2 if row.interval else None
        rates = (_rate(row.macs_per_second), _rate(row.bytes_per_second)) if timed else ()
        table.add_row(
            str(row.order),
            escape(row.name if row.type in row.name else f"{row.type} {row.name}")
            + ("" if row.fast_path else " (slow)"),
            escape(row.operator or "-"),
            *((f"{row.time:.1f}", "-" if reach is None else f"{reach:.1f}") if timed else (f"{row.time / 1e3:.0f}",)),
            f"{row.share:.1%}",
            f"{row.macs / 1e6:.2f}",
            "-" if row.bytes is None else f"{row.bytes / 1e3:.0f}",
            *rates,
            "-" if row.intensity is None else f"{row.intensity:.1f}",
        )
    out.print(table)
    total = sum(row.time for row in rows)
    amount = f"{total / 1e3:.3f} ms" if timed else f"{total / 1e6:.3f} M instructions"
    out.print(f"{len(rows)} operators, {amount} profiled, {sum(row.macs for row in rows) / 1e6:.1f} M MACs")
    if missing := unaligned_macs(rows, cell.artifact):
        out.print(f"{missing / 1e6:.1f} M MACs of the file were not found among the profiled operators")
    verdict, reasons = judge(cell, waived)
    out.print(f"{verdict}" + "".join(f"; {reason.code}: {escape(reason.message)}" for reason in reasons))
    out.print()


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value / 1e9:.1f}"
