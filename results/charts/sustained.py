"""Sustained latency over minutes: whether the first minute's figure still holds when the device has warmed up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from foundation.errors import UsageError
from results.cell_result import Unit
from results.charts.kinds import Request
from results.charts.one_cell import cell_title, one_cell
from results.device_checks import frequency
from results.reading import Reading
from results.statistics import median_with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Data:
    """Trials by the minute (since the first began) in which each began.

    `points`: (minute, latency in ms or millions of instructions), a trial each. `medians`: (minute from 0, median of
    its trials). `first`: the first minute's interval, None where it had one trial. `frequencies`: (minute, GHz), where
    the device tells them.
    """

    title: str
    unit: Unit
    points: tuple[tuple[float, float], ...]
    medians: tuple[tuple[int, float], ...]
    first: tuple[float, float] | None
    frequencies: tuple[tuple[float, float], ...]


def data(request: Request) -> Data:
    """Trials of the one cell the request leaves. Raises UsageError with fewer than two that gave a latency."""
    result, evidence = one_cell(request)
    readings = [(_start(reading), reading) for reading in evidence.complete]
    begin = min((start for start, _ in readings), default=0.0)
    points, frequencies = [], []
    for start, reading in readings:
        minute = (start - begin) / 60
        latency = reading.latency(result.clock)
        if latency is not None:
            points.append((minute, latency * 1e-6))
        kilohertz = frequency(reading.after, "cur")
        if kilohertz:
            frequencies.append((minute, kilohertz * 1e-6))
    if len(points) < 2:
        raise UsageError(
            f"{result.id} has {len(points)} trials with a latency, a course needs two",
            hint="keep one cell running: bench soak --minutes 10",
        )
    minutes: dict[int, list[float]] = {}
    for minute, value in sorted(points):
        minutes.setdefault(int(minute), []).append(value)
    _, low, high = median_with_interval(minutes[0])
    return Data(
        cell_title(result),
        result.unit,
        tuple(sorted(points)),
        tuple((minute, float(np.median(values))) for minute, values in minutes.items()),
        None if low is None or high is None else (low, high),
        tuple(sorted(frequencies)),
    )


def _start(reading: Reading) -> float:
    """Seconds, by the host's clock: a phone's may jump."""
    return datetime.fromisoformat(reading.trial.started).timestamp()


def draw(data: Data) -> Figure:
    """Latency over minutes, the first minute's interval as a band; the frequency below it where it is known."""
    from results.charts.style import COLOURS, new_figure

    panels = 2 if data.frequencies else 1
    figure = new_figure(9.0, 4.4 + 1.6 * (panels - 1))
    grid = figure.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=[3.0, 1.2][:panels])
    axes = grid[0][0]
    if data.first:
        axes.axhspan(*data.first, color=COLOURS[2], alpha=0.28, linewidth=0, label="95 % interval of the first minute")
    axes.plot(
        [x for x, _ in data.points],
        [y for _, y in data.points],
        "o",
        color=COLOURS[0],
        markersize=4,
        alpha=0.6,
        label="trial",
    )
    axes.step(
        [minute for minute, _ in data.medians] + [data.medians[-1][0] + 1],
        [value for _, value in data.medians] + [data.medians[-1][1]],
        where="post",
        color=COLOURS[1],
        linewidth=2.2,
        label="median of a minute",
    )
    axes.set_ylabel("latency, ms" if data.unit == "ms" else "instructions, millions")
    if data.frequencies:
        below = grid[1][0]
        below.plot([x for x, _ in data.frequencies], [y for _, y in data.frequencies], color=COLOURS[3], linewidth=2)
        below.set_ylabel("GHz")
        below.set_ylim(0, max(y for _, y in data.frequencies) * 1.12)
    grid[-1][0].set_xlabel("minutes since the first trial")
    figure.suptitle(f"Sustained: {data.title}", x=0.02, ha="left", weight="bold", size=14)
    figure.legend(loc="upper left", ncols=3, bbox_to_anchor=(0.015, 0.945))
    figure.tight_layout(rect=(0, 0, 1, 0.91))
    return figure
