"""A network's latency over all runs of a folder: one line a cell, one point a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.cell_result import Unit
from results.charts.latency_accuracy import scaled
from results.history import HistoryPoint, by_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Course:
    """One cell over runs: (index of the run, latency, low, high) in the chart's unit."""

    name: str
    format: str
    precision: str
    points: tuple[tuple[int, float, float | None, float | None], ...]


@dataclass(frozen=True)
class Data:
    """What the chart shows; `runs` are named along the axis, oldest first."""

    network: str
    unit: Unit
    runs: tuple[str, ...]
    courses: tuple[Course, ...]


def data(points: Sequence[HistoryPoint]) -> Data:
    """Points of one network and one clock. Raises UsageError for several clocks or no latency."""
    known = [point for point in points if point.latency is not None and point.verdict != "invalid"]
    if not known:
        raise UsageError("no run gave this network a latency: there is no course to draw")
    units = {point.unit for point in known}
    if len(units) > 1:
        raise UsageError("these runs have milliseconds and instructions", hint="name one device: --device D")
    runs = tuple(dict.fromkeys(point.run for point in known))
    several_devices = len({(point.device, point.threads) for point in known}) > 1
    courses = []
    for line in by_series(known).values():
        head = line[0]
        name = f"{head.format} {head.precision}"
        if several_devices:
            name += f" on {head.device}, {head.threads} thr."
        figures = tuple((runs.index(p.run), p.latency, p.low, p.high) for p in line if p.latency is not None)
        courses.append(Course(name, head.format, head.precision, figures))
    return Data(known[0].network, units.pop(), runs, tuple(courses))


def draw(data: Data) -> Figure:
    """Runs along the axis, latency upwards from zero, with intervals."""
    from results.charts.style import FORMAT_MARKERS, new_figure, precision_colours

    figure = new_figure(9.0, 5.0)
    axes = figure.subplots()
    for course in data.courses:
        heights = [scaled(latency, data.unit) for _, latency, _, _ in course.points]
        below = [
            0 if low is None else y - scaled(low, data.unit)
            for y, (_, _, low, _) in zip(heights, course.points, strict=True)
        ]
        above = [
            0 if high is None else scaled(high, data.unit) - y
            for y, (*_, high) in zip(heights, course.points, strict=True)
        ]
        axes.errorbar(
            [place for place, *_ in course.points],
            heights,
            yerr=[below, above],
            marker=FORMAT_MARKERS[course.format],
            markersize=6,
            color=precision_colours()[course.precision],
            linewidth=1.6,
            elinewidth=1.4,
            linestyle="-" if course.format == "tflite" else "--",
            label=course.name,
        )
    shown = range(0, len(data.runs), max(1, -(-len(data.runs) // 12)))
    axes.set_xticks(list(shown), [data.runs[place] for place in shown], rotation=30, ha="right", fontsize=9)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("latency, ms" if data.unit == "ms" else "instructions, millions")
    figure.suptitle(f"{data.network} over {len(data.runs)} runs", x=0.02, ha="left", weight="bold", size=14)
    figure.legend(loc="upper left", ncols=4, bbox_to_anchor=(0.015, 0.945))
    figure.tight_layout(rect=(0, 0, 1, 0.88 if len(data.courses) > 4 else 0.91))
    return figure
