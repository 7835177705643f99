"""Tables for a terminal of 100 columns: one a clock, so that milliseconds and instructions never share a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from results.cell_result import CellResult, Estimate, Reason, Unit
    from results.store import Evidence

WIDTH = 100
STYLES = {"valid": "green", "suspect": "yellow", "invalid": "red"}


def console() -> Console:
    """Standard output: as wide as the terminal, else 100 columns."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=WIDTH)


def cell_tables(results: Sequence[CellResult]) -> list[Table]:
    """One table for each clock that occurs, cells in the plan's order."""
    several_devices = len({cell.device for cell in results}) > 1
    several_threads = len({cell.threads for cell in results}) > 1
    tables = []
    for unit in ("ms", "instructions"):
        rows = [cell for cell in results if cell.unit == unit]
        if rows:
            tables.append(_cell_table(rows, unit, several_devices, several_threads))
    return tables


def _cell_table(rows: Sequence[CellResult], unit: Unit, devices: bool, threads: bool) -> Table:
    title = "latency in ms" if unit == "ms" else "millions of instructions (not a latency)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in (*(["device"] if devices else []), "network", "format", "prec."):
        table.add_column(name, overflow="fold")
    if threads:
        table.add_column("thr.", justify="right")
    interval = "95 % interval" if unit == "ms" else "range of minima"
    for name in ("median" if unit == "ms" else "minimum", interval, "cold", "load", "MB", "M MACs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for cell in rows:
        style = STYLES[cell.verdict]
        codes = [f"({reason.code})" if reason.waived else reason.code for reason in cell.reasons]
        table.add_row(
            *([escape(cell.device)] if devices else []),
            escape(cell.network) + ("*" if cell.weights == "random" else ""),
            cell.format,
            cell.precision,
            *([str(cell.threads)] if threads else []),
            "-" if cell.latency is None else figure(cell.latency.median, unit),
            interval_text(cell.latency),
            "-" if cell.cold is None else figure(cell.cold, unit),
            "-" if cell.load is None else figure(cell.load, unit),
            f"{cell.artifact.size_bytes / 1e6:.1f}",
            f"{cell.macs / 1e6:.0f}",
            f"[{style}]{' '.join([cell.verdict, *codes])}[/{style}]",
        )
    return table


def figure(value: float, unit: Unit) -> str:
    """Three to four significant digits of ms; millions of instructions with three decimals."""
    if unit == "instructions":
        return f"{value / 1e6:.3f}"
    return f"{value:.3f}" if value < 10 else f"{value:.2f}" if value < 100 else f"{value:.1f}"


def interval_text(estimate: Estimate | None) -> str:
    """ "low - high", or a dash where one trial gives no interval."""
    return "-" if estimate is None else ends_text(estimate.low, estimate.high, estimate.unit)


def ends_text(low: float | None, high: float | None, unit: Unit) -> str:
    """ "low - high" of an interval's ends, or a dash where there are none."""
    return "-" if low is None or high is None else f"{figure(low, unit)} - {figure(high, unit)}"


def notes(evidence: Evidence, results: Sequence[CellResult], every_reason: bool = False) -> list[str]:
    """What a reader must know beside the table: quick runs, random weights, cut lines, and the reasons in words."""
    found = []
    if evidence.run.quick:
        found.append("quick run: one block of short trials, good for a look and not for a claim")
    if any(cell.weights == "random" for cell in results):
        found.append("* random weights: latency does not depend on them, accuracy would")
    if evidence.damaged:
        found.append("the last line of the evidence was cut; that trial does not count")
    raised: dict[str, list[tuple[CellResult, Reason]]] = {}
    for cell in results:
        for reason in cell.reasons:
            if reason.code != "EMULATED":  # the table's title says so
                raised.setdefault(reason.code, []).append((cell, reason))
    for code, where in raised.items():
        shown = where if every_reason else [max(where, key=_severity)]
        of_all = f" in {len(where)} of {len(results)} cells, worst" if len(where) > len(shown) else ""
        for cell, reason in shown:
            waived = " (waived)" if reason.waived else ""
            found.append(f"{code}{waived}{of_all}: {escape(cell.id)}: {escape(reason.message)}")
    if not every_reason and any(len(where) > 1 for where in raised.values()):
        found.append(f"every reason: bench show {escape(evidence.run.id)} --reasons; what to do: docs/verdicts.md")
    return found


def _severity(raised: tuple[CellResult, Reason]) -> tuple[bool, float]:
    """How far beyond its threshold, in thresholds; what is waived comes last."""
    _, reason = raised
    return not reason.waived, abs(reason.value - reason.threshold) / (abs(reason.threshold) or 1.0)
