"""Latency against top-1: which network is fastest at the accuracy one needs.

A panel for each precision (and device), a marker for each format. Accuracy from a paper is hollow, with its source
below; a network without one is named, not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from foundation.errors import UsageError
from results.cell_result import CellResult, Unit
from results.charts.kinds import Request
from results.statistics import Point, pareto_front

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PRECISIONS: Final = ("fp32", "fp16", "int8")
FAINT: Final = 0.6  # of suspect marks; less of it is lost on the dark ground


@dataclass(frozen=True)
class Mark:
    """One cell: latency with its interval (in the chart's unit) against top-1 in percent."""

    network: str
    format: str
    precision: str
    device: str
    latency: float
    low: float | None
    high: float | None
    top1: float
    source: str
    random_weights: bool
    suspect: bool
    on_front: bool = False  # no other mark of its panel dominates it, as far as the intervals can tell


@dataclass(frozen=True)
class Data:
    """What the chart shows. `left_out` names cells without a mark, with the reason."""

    unit: Unit
    quick: bool
    panels: tuple[tuple[str, str], ...]  # device, precision
    marks: tuple[Mark, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...]


def data(request: Request) -> Data:
    """Marks of all cells that have a latency, a published top-1 and no invalid verdict.

    Raises UsageError where no cell has.
    """
    marks, left_out = [], []
    for cell in request.results:
        mark = _mark(cell)
        if isinstance(mark, Mark):
            marks.append(mark)
        else:
            left_out.append(mark)
    if not marks:
        raise UsageError(
            "no cell to draw: " + ("; ".join(dict.fromkeys(left_out)) or "no cell fits the options"),
            hint="`bench show` gives the figures without accuracy",
        )
    marks = _with_fronts(marks)
    devices = dict.fromkeys(mark.device for mark in marks)
    panels = [(d, p) for d in devices for p in PRECISIONS if any((m.device, m.precision) == (d, p) for m in marks)]
    return Data(
        unit=request.unit,
        quick=any(cell.quick for cell in request.results),
        panels=tuple(panels),
        marks=tuple(marks),
        sources=tuple(dict.fromkeys(mark.source for mark in marks)),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _mark(cell: CellResult) -> Mark | str:
    if cell.verdict == "invalid":
        codes = ", ".join(reason.code for reason in cell.reasons)
        return f"{cell.network} {cell.format} {cell.precision}: {codes}"
    if cell.latency is None:
        return f"{cell.network} {cell.format} {cell.precision}: no latency"
    if cell.published is None or cell.published.top1 is None:
        return f"{cell.network}: no published accuracy"
    return Mark(
        network=cell.network,
        format=cell.format,
        precision=cell.precision,
        device=cell.device,
        latency=cell.latency.median,
        low=cell.latency.low,
        high=cell.latency.high,
        top1=cell.published.top1,
        source=cell.published.source,
        random_weights=cell.weights == "random",
        suspect=cell.verdict == "suspect",
    )


def _with_fronts(marks: list[Mark]) -> list[Mark]:
    """Marks that know whether they are on their panel's Pareto front.

    Panels apart: published accuracy is the float network's, which would give int8 every place on a common front.
    """
    panels: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks:
        panels.setdefault((mark.device, mark.precision), []).append(mark)
    found = []
    for panel in panels.values():
        points = [
            Point(
                (
                    mark.latency if mark.low is None else mark.low,
                    mark.latency if mark.high is None else mark.high,
                ),
                (mark.top1, mark.top1),
            )
            for mark in panel
        ]
        found += [replace(mark, on_front=on) for mark, on in zip(panel, pareto_front(points), strict=True)]
    return found


def draw(data: Data) -> Figure:
    """One panel for each device and precision, sharing both axes."""
    import math

    from results.charts.style import new_figure

    columns = min(len(data.panels), 3)
    rows = math.ceil(len(data.panels) / columns)
    figure = new_figure(max(7.0, 5.2 * columns), 4.8 * rows + 0.9)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = [axes for row in grid for axes in row]
    several = len({device for device, _ in data.panels}) > 1
    for axes, (device, precision) in zip(panels, data.panels, strict=False):
        marks = [mark for mark in data.marks if (mark.device, mark.precision) == (device, precision)]
        _panel(axes, marks, data.unit)
        axes.set_title(f"{device}: {precision}" if several else precision)
    for axes in panels[len(data.panels) :]:
        axes.set_visible(False)
    _axes(figure, [row[0] for row in grid], panels, data)
    _legend(figure, panels[0], data)
    figure.canvas.draw()
    for axes, (device, precision) in zip(panels, data.panels, strict=False):
        _label(axes, [mark for mark in data.marks if (mark.device, mark.precision) == (device, precision)], data)
    return figure


def scaled(value: float, unit: Unit) -> float:
    """A latency as the axis shows it: ms, or millions of instructions."""
    return value if unit == "ms" else value / 1e6


def _panel(axes: Axes, marks: list[Mark], unit: Unit) -> None:
    from results.charts.style import FORMAT_MARKERS, front_colour, precision_colours

    line = front_line(marks)
    if len(line) > 1:
        axes.plot(
            [scaled(mark.latency, unit) for mark in line],
            [mark.top1 for mark in line],
            linestyle=":",
            linewidth=1.6,
            color=front_colour(),
            zorder=1,
        )
    members = [mark for mark in marks if mark.on_front]
    axes.plot(
        [scaled(mark.latency, unit) for mark in members],
        [mark.top1 for mark in members],
        "o",
        markersize=17,
        markeredgewidth=0,
        color=front_colour(),
        alpha=0.22,
        zorder=1,
    )
    for mark in marks:
        colour = precision_colours()[mark.precision]
        x = scaled(mark.latency, unit)
        if mark.low is not None and mark.high is not None:
            axes.plot([scaled(mark.low, unit), scaled(mark.high, unit)], [mark.top1] * 2, color=colour, linewidth=1.5)
        axes.plot(
            [x], [mark.top1], FORMAT_MARKERS[mark.format], markersize=9, markerfacecolor="none", markeredgecolor=colour,
            markeredgewidth=2, alpha=FAINT if mark.suspect else 1.0,
        )  # fmt: skip


def front_line(marks: list[Mark]) -> list[Mark]:
    """The front of the medians alone, by latency; each of them is on the intervals' front too."""
    line: list[Mark] = []
    for mark in sorted(marks, key=lambda each: (each.latency, -each.top1)):
        if not line or mark.top1 > line[-1].top1:
            line.append(mark)
    return line


def _axes(figure: Figure, first: list[Axes], panels: list[Axes], data: Data) -> None:
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    for axes in panels:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.xaxis.set_minor_locator(LogLocator(subs=range(1, 10)))
        axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("latency, ms" if data.unit == "ms" else "instructions, millions (not a latency)")
        axes.margins(x=0.22, y=0.12)
    for axes in first:
        axes.set_ylabel("top-1, %")
    title = "Latency against top-1" if data.unit == "ms" else "Instructions against top-1"
    figure.suptitle(
        title + (" (quick run: for a look, not for a claim)" if data.quick else ""),
        x=0.02,
        ha="left",
        weight="bold",
        size=14,
    )


def _legend(figure: Figure, axes: Axes, data: Data) -> None:
    import textwrap

    from matplotlib.lines import Line2D

    from results.charts.style import FORMAT_MARKERS, front_colour

    ink = axes.xaxis.label.get_color()
    formats = dict.fromkeys(mark.format for mark in data.marks)
    handles = [
        Line2D([], [], linestyle="", marker=FORMAT_MARKERS[name], markersize=9, markerfacecolor="none",
               markeredgecolor=ink, markeredgewidth=2, label=name)
        for name in formats
    ]  # fmt: skip
    if any(mark.on_front for mark in data.marks):
        handles.append(
            Line2D([], [], linestyle=":", linewidth=1.6, color=front_colour(), label="Pareto front of medians")
        )
        handles.append(
            Line2D([], [], linestyle="", marker="o", markersize=13, markeredgewidth=0, color=front_colour(), alpha=0.22,
                   label="on it, as far as intervals tell")
        )  # fmt: skip
    if any(mark.suspect for mark in data.marks):
        handles.append(
            Line2D([], [], linestyle="", marker="o", markersize=9, markerfacecolor="none", markeredgecolor=ink,
                   markeredgewidth=2, alpha=FAINT, label="faint: suspect")
        )  # fmt: skip
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), bbox_to_anchor=(0.99, 1.0))
    notes = ["hollow: accuracy published for the architecture, not measured here; line: 95 % interval"]
    if data.unit == "instructions":
        notes = ["hollow: accuracy published for the architecture, not measured here; line: range of minima"]
    if any(mark.random_weights for mark in data.marks):
        notes.append("* measured with random weights: latency does not depend on them")
    notes += [f"[{number}] {source}" for number, source in enumerate(data.sources, start=1)]
    if data.left_out:
        notes.append("not drawn: " + "; ".join(data.left_out))
    width = int(figure.get_size_inches()[0] * 13)
    lines = [line for note in notes for line in textwrap.wrap(note, width, subsequent_indent="    ")]
    figure.subplots_adjust(bottom=0.14, top=0.87, left=0.09, right=0.98, wspace=0.06, hspace=0.28)
    figure.text(0.02, 0.03, "\n".join(lines), va="top", fontsize=10)


def _label(axes: Axes, marks: list[Mark], data: Data) -> None:
    """Each network's name once a panel, at its fastest mark."""
    from results.charts.labels import attach

    def pixels(latency: float, top1: float) -> tuple[float, float]:
        x, y = axes.transData.transform((scaled(latency, data.unit), top1))
        return float(x), float(y)

    fastest: dict[tuple[str, float], Mark] = {}
    boxes = []
    for mark in sorted(marks, key=lambda each: -each.latency):
        fastest[mark.network, mark.top1] = mark
        x, y = pixels(mark.latency, mark.top1)
        boxes.append((x - 9, y - 9, x + 9, y + 9))
        if mark.low is not None and mark.high is not None:
            boxes.append((pixels(mark.low, mark.top1)[0], y - 3, pixels(mark.high, mark.top1)[0], y + 3))
    anchors = [pixels(mark.latency, mark.top1) for mark in fastest.values()]
    attach(axes, [_name(mark, data) for mark in fastest.values()], anchors, boxes, size=10, gap=12.0)


def _name(mark: Mark, data: Data) -> str:
    return f"{mark.network}{'*' if mark.random_weights else ''} [{data.sources.index(mark.source) + 1}]"
