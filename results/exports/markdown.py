"""A run's cells as Markdown tables, one a clock, for a pull request or a README."""

from __future__ import annotations

from collections.abc import Sequence

from results.cell_result import CellResult, Estimate, Unit


def table(results: Sequence[CellResult]) -> str:
    """GitHub's Markdown; names from outside are shown as they are, never as markup."""
    parts = []
    units: tuple[Unit, ...] = ("ms", "instructions")
    for unit in units:
        mine = [cell for cell in results if cell.unit == unit]
        if mine:
            parts.append(_table(mine, unit))
    if any(cell.weights == "random" for cell in results):
        parts.append("\\* measured with random weights")
    if any(cell.quick for cell in results):
        parts.append("Quick run: one block of short trials, good for a look and not for a claim.")
    return "\n\n".join(parts or ["No cell was planned."]) + "\n"


def _table(results: Sequence[CellResult], unit: Unit) -> str:
    latency, interval = ("latency, ms", "95 % interval") if unit == "ms" else ("instructions, M", "range")
    names = ["network", "format", "precision", "device", "threads", latency, interval, "M MACs", "MB", "verdict"]
    aligned = [":--", ":--", ":--", ":--", "--:", "--:", "--:", "--:", "--:", ":--"]
    lines = [f"| {' | '.join(names)} |", f"|{'|'.join(aligned)}|"]
    for cell in results:
        codes = [f"({reason.code})" if reason.waived else reason.code for reason in cell.reasons]
        values = [
            plain(cell.network) + ("\\*" if cell.weights == "random" else ""),
            cell.format,
            cell.precision,
            plain(cell.device),
            str(cell.threads),
            "-" if cell.latency is None else _figure(cell.latency.median, unit),
            _interval(cell.latency),
            f"{cell.macs / 1e6:.1f}",
            f"{cell.artifact.size_bytes / 1e6:.2f}",
            plain(" ".join([cell.verdict, *codes])),
        ]
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join(lines)


def _figure(value: float, unit: Unit) -> str:
    return f"{value / 1e6:.3f}" if unit == "instructions" else f"{value:.4g}"


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{_figure(estimate.low, estimate.unit)} - {_figure(estimate.high, estimate.unit)}"


def plain(text: str) -> str:
    """Text that Markdown shows letter by letter, on one line."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#!~&" else letter for letter in text)
    return " ".join(escaped.split())
