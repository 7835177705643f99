"""Sustained latency over minutes: whether the first minute's figure still holds when the device has warmed up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.cell_result import Unit
from results.charts.kinds import Request
from results.charts.one_cell import cell_title, one_cell
from results.sustained import Course, course

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Data:
    """What the chart shows. `points`: (minutes since the first trial began, its latency in ms or millions)."""

    title: str
    unit: Unit
    points: tuple[tuple[float, float], ...]
    course: Course


def data(request: Request) -> Data:
    """Trials of the one cell the request leaves. Raises UsageError where they began within one minute."""
    result, evidence = one_cell(request)
    readings = evidence.complete
    starts = [datetime.fromisoformat(reading.trial.started).timestamp() for reading in readings]
    begin = min(starts, default=0.0)
    points = [
        ((start - begin) / 60, latency * 1e-6)
        for start, reading in zip(starts, readings, strict=True)
        if (latency := reading.latency(result.clock)) is not None
    ]
    found = course(readings, result.clock)
    if not points:
        hint = "`bench show RUN` gives the reasons; measure again on a quieter device"
        raise UsageError(f"no trial of {result.id} has a latency", hint=hint)
    if len(found.minutes) < 2:
        hint = "keep one cell running: bench soak --minutes 10"
        raise UsageError(f"the trials of {result.id} do not span two minutes: there is no course to draw", hint=hint)
    return Data(cell_title(result), result.unit, tuple(sorted(points)), found)


def draw(data: Data) -> Figure:
    """Latency over minutes, the first minute's interval as a band; heat and frequency below it where they are known."""
    from results.charts.style import colours, new_figure

    minutes = data.course.minutes
    below = [
        (label, colour, [(m.minute + 0.5, value) for m in minutes if (value := getattr(m, key)) is not None])
        for label, colour, key in (("GHz", colours()[3], "gigahertz"), ("°C", colours()[4], "celsius"))
    ]
    below = [panel for panel in below if panel[2]]
    figure = new_figure(9.0, 4.4 + 1.5 * len(below))
    grid = figure.subplots(1 + len(below), 1, sharex=True, squeeze=False, height_ratios=[3.0, *[1.1] * len(below)])
    _latency(grid[0][0], data)
    for row, (label, colour, series) in zip(grid[1:], below, strict=True):
        row[0].plot([x for x, _ in series], [y for _, y in series], color=colour, linewidth=2, marker="o", markersize=4)
        row[0].set_ylabel(label)
        row[0].set_ylim(0, max(y for _, y in series) * 1.12)
    grid[-1][0].set_xlabel("minutes since the first trial")
    figure.suptitle(f"Sustained: {data.title}", x=0.02, ha="left", weight="bold", size=14)
    figure.legend(loc="upper left", ncols=4, bbox_to_anchor=(0.015, 0.945))
    figure.tight_layout(rect=(0, 0, 1, 0.91))
    return figure


def _latency(axes: Axes, data: Data) -> None:
    from results.charts.style import colours

    minutes = data.course.minutes
    first = minutes[0]
    if first.low is not None and first.high is not None:
        band = "95 % interval of the first minute"
        axes.axhspan(first.low, first.high, color=colours()[2], alpha=0.28, linewidth=0, label=band)
    times, latencies = zip(*data.points, strict=True)
    axes.plot(times, latencies, "o", color=colours()[0], markersize=4, alpha=0.6, label="trial")
    name: str | None = "median of a minute"
    for minute in minutes:
        if minute.median is None:
            continue
        span = [minute.minute, minute.minute + 1]
        axes.plot(span, [minute.median] * 2, color=colours()[1], linewidth=2.4, label=name)
        name = None
    if data.course.left_at is not None:
        ink = axes.xaxis.label.get_color()
        left = f"leaves it at minute {data.course.left_at}"
        axes.axvline(data.course.left_at, color=ink, linewidth=1.2, linestyle="--", label=left)
    axes.set_ylabel("latency, ms" if data.unit == "ms" else "instructions, millions")
