"""One network across devices: each way it was measured, a row a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.cell_result import CellResult, Unit
from results.charts.kinds import Request
from results.charts.latency_accuracy import scaled
from results.charts.log_axis import logarithmic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Mark:
    """One cell on one device (and in one run, where several were given)."""

    row: str
    format: str
    precision: str
    latency: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Data:
    """What the chart shows: `rows` from the fastest device down."""

    network: str
    unit: Unit
    rows: tuple[str, ...]
    marks: tuple[Mark, ...]


def data(request: Request) -> Data:
    """Cells of the one network that the request leaves. Raises UsageError for none or several."""
    pairs = [
        (source.evidence.run.id, cell)
        for source in request.sources
        for cell in source.results
        if request.wants(cell) and cell.latency is not None and cell.verdict != "invalid"
    ]
    networks = sorted({cell.network for _, cell in pairs})
    if not networks:
        raise UsageError("no cell with a latency fits these options")
    if len(networks) > 1:
        raise UsageError(
            f"the runs have {len(networks)} networks, this chart shows one", hint=f"--network {'|'.join(networks[:8])}"
        )
    repeated = len({(cell.device, run) for run, cell in pairs}) > len({cell.device for _, cell in pairs})
    marks = [_mark(cell, run if repeated else "") for run, cell in pairs]
    rows = sorted({mark.row for mark in marks}, key=lambda row: min(m.latency for m in marks if m.row == row))
    return Data(networks[0], request.unit, tuple(rows), tuple(marks))


def _mark(cell: CellResult, run: str) -> Mark:
    if cell.latency is None:
        raise ValueError(cell.id)
    row = f"{cell.device}, {cell.threads} thr." + (f"\n{run}" if run else "")
    return Mark(
        row, cell.format, cell.precision, cell.latency.median, cell.latency.low, cell.latency.high, cell.verdict
    )


def draw(data: Data) -> Figure:
    """Formats by marker, precisions by colour, faint where suspect; latency on a logarithmic axis."""
    from results.charts.style import FORMAT_MARKERS, new_figure, precision_colours

    figure = new_figure(8.4, 2.3 + 0.75 * len(data.rows))
    axes = figure.subplots()
    series = sorted({(mark.format, mark.precision) for mark in data.marks})
    for index, (form, precision) in enumerate(series):
        offset = 0.6 * (index - (len(series) - 1) / 2) / max(len(series), 2)
        first = True
        for mark in data.marks:
            if (mark.format, mark.precision) != (form, precision):
                continue
            x, y = scaled(mark.latency, data.unit), data.rows.index(mark.row) + offset
            below = 0 if mark.low is None else x - scaled(mark.low, data.unit)
            above = 0 if mark.high is None else scaled(mark.high, data.unit) - x
            axes.errorbar(
                [x],
                [y],
                xerr=[[below], [above]],
                fmt=FORMAT_MARKERS[form],
                markersize=8,
                elinewidth=1.8,
                color=precision_colours()[precision],
                alpha=0.6 if mark.verdict == "suspect" else 1.0,
                label=f"{form} {precision}" if first else None,
            )
            first = False
    logarithmic(axes, "x")
    axes.set_yticks(range(len(data.rows)), data.rows)
    axes.set_ylim(len(data.rows) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.set_xlabel(
        "latency, ms, with 95 % interval (faint: suspect)" if data.unit == "ms" else "instructions, millions"
    )
    figure.suptitle(f"{data.network} across devices", x=0.02, ha="left", weight="bold", size=14)
    figure.legend(
        loc="upper left", ncols=min(len(series), 5), bbox_to_anchor=(0.015, 1.0 - 0.32 / (2.3 + 0.75 * len(data.rows)))
    )
    figure.tight_layout(rect=(0, 0, 1, 1.0 - 0.45 / (2.3 + 0.75 * len(data.rows))))
    return figure
