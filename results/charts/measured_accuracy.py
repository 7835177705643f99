"""Latency against the top-1 that was measured on the device itself, file by file.

A panel for each device and data set. Filled marks, error bars both ways, float and int8 of one network joined by a
line. Published accuracies join as hollow marks only where the pictures are ImageNet's validation set: a score on other
pictures never shares an axis with them. Networks without any stand in the strip below, by their latency alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.cell_result import CellResult, Unit
from results.charts.kinds import Request
from results.charts.latency_accuracy import scaled
from results.charts.log_axis import logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = tuple[str, str]  # device, what the scores are of


@dataclass(frozen=True)
class Mark:
    """One cell. `top1` with its interval in percent; `measured` False: published, so hollow and without interval."""

    panel: Panel
    network: str
    format: str
    precision: str
    latency: float
    low: float | None
    high: float | None
    top1: float
    top1_low: float
    top1_high: float
    measured: bool


@dataclass(frozen=True)
class Stray:
    """A cell without an accuracy of its panel's kind."""

    panel: Panel
    network: str
    latency: float


@dataclass(frozen=True)
class Data:
    """What the chart shows. `left_out` names cells that are not drawn, with the reason."""

    unit: Unit
    quick: bool
    marks: tuple[Mark, ...]
    strays: tuple[Stray, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def panels(self) -> list[Panel]:
        """Device and data set of each panel."""
        return list(dict.fromkeys(mark.panel for mark in self.marks))


def data(request: Request) -> Data:
    """Marks of all cells with a latency, a whole score and no invalid verdict. Raises UsageError without any."""
    whole = [cell for cell in request.results if cell.accuracy is not None and cell.accuracy.complete]
    panels = {cell.device: dict[str, bool]() for cell in whole}
    for cell in whole:
        assert cell.accuracy is not None
        panels[cell.device][cell.accuracy.label] = cell.accuracy.validation
    marks: list[Mark] = []
    strays, left_out, sources = [], [], []
    for cell in request.results:
        name = f"{cell.network} {cell.format} {cell.precision}"
        if cell.verdict == "invalid" or cell.latency is None:
            left_out.append(f"{name}: {', '.join(reason.code for reason in cell.reasons) or 'no latency'}")
            continue
        for label, validation in panels.get(cell.device, {}).items():
            panel = (cell.device, label)
            if cell.accuracy is not None and cell.accuracy.complete and cell.accuracy.label == label:
                score = cell.accuracy
                marks.append(_mark(cell, panel, score.top1, score.top1_low, score.top1_high, measured=True))
            elif validation and cell.published is not None and cell.published.top1 is not None:
                top1 = cell.published.top1 / 100
                marks.append(_mark(cell, panel, top1, top1, top1, measured=False))
                sources.append(f"{cell.network}: {cell.published.source}")
            else:
                strays.append(Stray(panel, cell.network, cell.latency.median))
    if whole and not any(mark.measured for mark in marks):
        raise UsageError(
            f"no cell with a measured accuracy has a latency: {left_out[0]}"
            + (f", and {len(left_out) - 1} more" if len(left_out) > 1 else ""),
            hint="`bench show RUN` gives the reasons; measure again on a quieter device",
        )
    if not any(mark.measured for mark in marks):
        raise UsageError(
            "no cell has an accuracy that was measured on its device",
            hint="measure it with the latency: bench run --accuracy pictures",
        )
    quick = any(cell.quick for cell in request.results)
    return Data(request.unit, quick, tuple(marks), tuple(strays), tuple(dict.fromkeys(sources)), tuple(left_out))


def _mark(cell: CellResult, panel: Panel, top1: float, low: float, high: float, *, measured: bool) -> Mark:
    assert cell.latency is not None
    return Mark(
        panel=panel,
        network=cell.network,
        format=cell.format,
        precision=cell.precision,
        latency=cell.latency.median,
        low=cell.latency.low,
        high=cell.latency.high,
        top1=100 * top1,
        top1_low=100 * low,
        top1_high=100 * high,
        measured=measured,
    )


def draw(data: Data) -> Figure:
    """One panel for each device and data set, a strip for strays below each; every panel has its own top-1 axis."""
    import textwrap

    from results.charts.style import new_figure

    panels = data.panels
    figure = new_figure(8.2 * len(panels), 6.4)
    grid = figure.subplots(2, len(panels), squeeze=False, sharex="col", gridspec_kw={"height_ratios": [9, 1]})
    for (above, below), panel in zip(zip(grid[0], grid[1], strict=True), panels, strict=True):
        _panel(above, data, panel)
        _strip(below, data, panel)
        logarithmic(below, "x")
        below.set_xlabel("latency, ms" if data.unit == "ms" else "instructions, millions (not a latency)")
    title = "Latency against measured top-1" if data.unit == "ms" else "Instructions against measured top-1"
    quick = " (quick run: for a look, not for a claim)" if data.quick else ""
    figure.suptitle(title + quick, x=0.02, ha="left", weight="bold", size=14)
    notes = ["filled: predicted on this device by the very file that was timed; bars: 95 % intervals"]
    if data.sources:
        notes.append("hollow: published, not measured here: " + "; ".join(data.sources))
    if data.left_out:
        notes.append("not drawn: " + "; ".join(data.left_out))
    width = int(figure.get_size_inches()[0] * 13)
    lines = [line for note in notes for line in textwrap.wrap(note, width, subsequent_indent="    ")]
    figure.subplots_adjust(bottom=0.13, top=0.87, left=0.1, right=0.98, hspace=0.06, wspace=0.18)
    figure.text(0.02, 0.02, "\n".join(lines), va="top", fontsize=10)
    return figure


def _panel(axes: Axes, data: Data, panel: Panel) -> None:
    from results.charts.style import FORMAT_MARKERS, precision_colours

    marks = [mark for mark in data.marks if mark.panel == panel]
    for network, form in dict.fromkeys((mark.network, mark.format) for mark in marks):
        own = [mark for mark in marks if (mark.network, mark.format) == (network, form)]
        own.sort(key=lambda mark: mark.latency)
        axes.plot(
            [scaled(mark.latency, data.unit) for mark in own],
            [mark.top1 for mark in own],
            linewidth=0.9,
            color=axes.xaxis.label.get_color(),
            alpha=0.5,
            zorder=1,
        )
        axes.annotate(
            network, (scaled(own[-1].latency, data.unit), own[-1].top1), (7, 7), textcoords="offset points", fontsize=9
        )
    seen = set()
    for mark in marks:
        series = f"{mark.format} {mark.precision}"
        colour = precision_colours()[mark.precision]
        axes.errorbar(
            [scaled(mark.latency, data.unit)],
            [mark.top1],
            xerr=_reach(mark.latency, mark.low, mark.high, data.unit),
            yerr=[[mark.top1 - mark.top1_low], [mark.top1_high - mark.top1]] if mark.measured else None,
            fmt=FORMAT_MARKERS[mark.format],
            color=colour,
            markerfacecolor=colour if mark.measured else "none",
            markeredgewidth=2,
            markersize=8,
            elinewidth=1.4,
            label=None if series in seen else series,
        )
        seen.add(series)
    axes.set_ylabel(f"{panel[1]}, %")
    axes.set_title(panel[0])
    axes.margins(x=0.2, y=0.08)
    axes.legend(loc="best")


def _reach(middle: float, low: float | None, high: float | None, unit: Unit) -> list[list[float]] | None:
    if low is None or high is None:
        return None
    return [[scaled(middle - low, unit)], [scaled(high - middle, unit)]]


def _strip(axes: Axes, data: Data, panel: Panel) -> None:
    strays = [stray for stray in data.strays if stray.panel == panel]
    axes.set_yticks([])
    axes.set_ylim(-1, 1)
    axes.set_ylabel("none", rotation=0, ha="right", va="center")
    axes.plot([scaled(s.latency, data.unit) for s in strays], [0] * len(strays), "|", markersize=14, color="#8c959f")
    for network in dict.fromkeys(stray.network for stray in strays):
        fastest = min(stray.latency for stray in strays if stray.network == network)
        axes.annotate(
            network, (scaled(fastest, data.unit), 0), (2, 6), textcoords="offset points", fontsize=8, rotation=18
        )
