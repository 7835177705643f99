"""A cost of the network against its latency: does the one predict the other here?

Shared by the kinds `macs` and `memory`. A panel for each device and thread count; Spearman's rank correlation for
each format and precision, since an order is what a cost is used for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.cell_result import CellResult, Unit
from results.charts.kinds import Request
from results.charts.latency_accuracy import scaled
from results.charts.log_axis import logarithmic
from results.statistics import rank_correlation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = tuple[str, int]  # device, threads
Series = tuple[str, str]  # format, precision


@dataclass(frozen=True)
class Point:
    """One cell: its cost, and its latency with its interval in the chart's unit."""

    network: str
    cost: float
    latency: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Line:
    """Cells measured alike, by cost, with the rank correlation of cost and latency (None below three)."""

    panel: Panel
    series: Series
    points: tuple[Point, ...]
    correlation: float | None


@dataclass(frozen=True)
class Data:
    """What the chart shows."""

    unit: Unit
    title: str
    cost: str
    lines: tuple[Line, ...]
    left_out: tuple[str, ...]

    @property
    def panels(self) -> list[Panel]:
        """Device and thread count of each panel."""
        return list(dict.fromkeys(line.panel for line in self.lines))


def data(request: Request, title: str, axis: str, cost: Callable[[CellResult], float]) -> Data:
    """Cells with a latency, invalid ones left out. Raises UsageError where there is none."""
    groups: dict[tuple[Panel, Series], list[Point]] = {}
    left_out = []
    for cell in request.results:
        if cell.verdict == "invalid" or cell.latency is None:
            codes = ", ".join(reason.code for reason in cell.reasons) or "no latency"
            left_out.append(f"{cell.network} {cell.format} {cell.precision}: {codes}")
        elif cost(cell) > 0:
            point = Point(cell.network, cost(cell), cell.latency.median, cell.latency.low, cell.latency.high)
            groups.setdefault(((cell.device, cell.threads), (cell.format, cell.precision)), []).append(point)
        else:
            left_out.append(f"{cell.network} {cell.format} {cell.precision}: unknown cost")
    if not groups:
        raise UsageError("no cell to draw: " + ("; ".join(left_out[:4]) or "no cell fits the options"))
    lines = []
    for (panel, series), points in groups.items():
        ordered = tuple(sorted(points, key=lambda point: point.cost))
        correlation = rank_correlation([point.cost for point in ordered], [point.latency for point in ordered])
        lines.append(Line(panel, series, ordered, correlation))
    return Data(request.unit, title, axis, tuple(lines), tuple(left_out))


def draw(data: Data) -> Figure:
    """One panel for each device and thread count, both axes logarithmic and shared."""
    import math

    from results.charts.style import new_figure

    panels = data.panels
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(7.6 * columns, 6.2 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    places = [axes for row in grid for axes in row]
    for axes, panel in zip(places, panels, strict=False):
        _panel(axes, data, panel)
    for axes in places[: len(panels)]:
        logarithmic(axes, "x")
        logarithmic(axes, "y")
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    figure.suptitle(data.title, x=0.02, ha="left", weight="bold", size=14)
    note = "rho: Spearman's rank correlation of cost and latency; bars: 95 % interval"
    if data.unit == "instructions":
        note = "rho: Spearman's rank correlation of cost and instructions"
    if data.left_out:
        note += f"; {len(data.left_out)} cells are not drawn (invalid or without latency)"
    figure.subplots_adjust(bottom=0.25 / rows, top=1 - 0.13 / rows, left=0.11, right=0.98, wspace=0.06, hspace=0.5)
    figure.text(0.02, 0.02 / rows, note, fontsize=10)
    figure.canvas.draw()
    for axes, panel in zip(places, panels, strict=False):
        _label(axes, data, panel)
    return figure


def _panel(axes: Axes, data: Data, panel: Panel) -> None:
    from results.charts.style import FORMAT_MARKERS, precision_colours

    for line in data.lines:
        if line.panel != panel:
            continue
        form, precision = line.series
        rho = "too few" if line.correlation is None else f"rho = {line.correlation:.2f}"
        heights = [scaled(point.latency, data.unit) for point in line.points]
        below = [0 if p.low is None else scaled(p.latency - p.low, data.unit) for p in line.points]
        above = [0 if p.high is None else scaled(p.high - p.latency, data.unit) for p in line.points]
        axes.errorbar(
            [point.cost for point in line.points],
            heights,
            yerr=[below, above],
            fmt=FORMAT_MARKERS[form],
            color=precision_colours()[precision],
            markersize=8,
            elinewidth=1.5,
            markerfacecolor="none",
            markeredgewidth=2,
            label=f"{form} {precision}: {rho}",
        )
    axes.set_xlabel(data.cost)
    axes.set_ylabel("latency, ms" if data.unit == "ms" else "instructions, millions")
    axes.set_title(f"{panel[0]}, {panel[1]} thread{'s' if panel[1] > 1 else ''}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.48, -0.13), ncols=3, columnspacing=1.2, handletextpad=0.3)


def _label(axes: Axes, data: Data, panel: Panel) -> None:
    """Each network once, at its fastest mark: below the rising cloud there is room."""
    from results.charts.labels import attach

    def pixels(cost: float, latency: float) -> tuple[float, float]:
        x, y = axes.transData.transform((cost, scaled(latency, data.unit)))
        return float(x), float(y)

    fastest: dict[str, Point] = {}
    boxes = []
    for point in sorted(
        (p for line in data.lines if line.panel == panel for p in line.points), key=_latency, reverse=True
    ):
        fastest[point.network] = point
        x, y = pixels(point.cost, point.latency)
        boxes.append((x - 7, y - 7, x + 7, y + 7))
        if point.low is not None and point.high is not None:
            boxes.append((x - 3, pixels(point.cost, point.low)[1], x + 3, pixels(point.cost, point.high)[1]))
    anchors = [pixels(point.cost, point.latency) for point in fastest.values()]
    attach(axes, list(fastest), anchors, boxes, size=9.5, gap=10.0)


def _latency(point: Point) -> float:
    return point.latency
