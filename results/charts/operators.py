"""Where one cell's time goes: operators as a bar by type and as a timeline by order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from foundation.errors import UsageError
from results.cell_result import Unit
from results.charts.kinds import Request
from results.charts.one_cell import cell_title, one_cell
from results.operators import operator_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TYPES_SHOWN: Final = 10


@dataclass(frozen=True)
class Step:
    """One operator in order: where it begins and how long it takes, in ms or millions of instructions."""

    name: str
    type: str
    start: float
    time: float
    fast_path: bool


@dataclass(frozen=True)
class Data:
    """What the chart shows. `by_type`: (type, time, how many), most time first."""

    title: str
    unit: Unit
    by_type: tuple[tuple[str, float, int], ...]
    steps: tuple[Step, ...]


def data(request: Request) -> Data:
    """Operators of the one cell the request leaves. Raises UsageError where it was not profiled."""
    result, evidence = one_cell(request)
    rows = sorted(operator_table(evidence), key=lambda row: row.order)
    if not rows:
        raise UsageError(f"{result.id} was not profiled: there are no operators to draw")
    scale = 1e-3 if result.unit == "ms" else 1e-6
    steps, start = [], 0.0
    for row in rows:
        steps.append(Step(row.name, row.type, start, row.time * scale, row.fast_path))
        start += row.time * scale
    times: dict[str, list[float]] = {}
    for step in steps:
        times.setdefault(step.type, []).append(step.time)
    by_type = sorted(((name, sum(each), len(each)) for name, each in times.items()), key=lambda item: -item[1])
    return Data(cell_title(result), result.unit, tuple(by_type), tuple(steps))


def draw(data: Data) -> Figure:
    """Bars by type above, the timeline below, types in the same colours."""
    from results.charts.style import colours, new_figure

    bars = _bars(data)
    of_type = {name: colour for (name, _, _), colour in zip(bars, colours(), strict=False)}
    figure = new_figure(9.0, 3.6 + 0.36 * len(bars))
    upper, lower = figure.subplots(2, 1, height_ratios=[0.36 * len(bars) + 0.2, 2.2])
    _by_type(upper, data, bars, of_type)
    _timeline(lower, data, of_type)
    figure.suptitle(f"Operators of {data.title}", x=0.02, ha="left", weight="bold", size=14)
    figure.subplots_adjust(left=0.3, right=0.97, hspace=0.75, top=0.9, bottom=0.14)
    box = lower.get_position()
    lower.set_position((0.1, box.y0, 0.87, box.height))
    return figure


def _bars(data: Data) -> list[tuple[str, float, int]]:
    """The types that take most, the others as one."""
    shown = list(data.by_type[:TYPES_SHOWN])
    rest = data.by_type[TYPES_SHOWN:]
    if rest:
        shown.append((f"{len(rest)} other types", sum(time for _, time, _ in rest), sum(count for *_, count in rest)))
    return shown


def _by_type(axes: Axes, data: Data, bars: list[tuple[str, float, int]], of_type: dict[str, str]) -> None:
    total = sum(time for _, time, _ in data.by_type) or 1.0
    heights = range(len(bars))
    grey = axes.xaxis.label.get_color()
    axes.barh(heights, [time for _, time, _ in bars], color=[of_type.get(name, "#8b93a1") for name, _, _ in bars])
    for height, (_, time, count) in zip(heights, bars, strict=True):
        share = f"{time / total:.0%}" if time >= 0.005 * total else "<1%"
        axes.text(time, height, f" {share}, {count}x", va="center", fontsize=10, color=grey)
    axes.set_yticks(list(heights), [_short(name) for name, _, _ in bars])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.margins(x=0.14)
    axes.set_xlabel("ms by type, of profiled inferences" if data.unit == "ms" else "millions of instructions by type")


def _timeline(axes: Axes, data: Data, of_type: dict[str, str]) -> None:
    scale = 1e3  # ms to us, millions to thousands
    axes.bar(
        [step.start for step in data.steps],
        [step.time * scale for step in data.steps],
        width=[step.time for step in data.steps],
        align="edge",
        color=[of_type.get(step.type, "#8b93a1") for step in data.steps],
        linewidth=0,
    )
    slow = [step for step in data.steps if not step.fast_path]
    if slow:
        axes.plot(
            [s.start + s.time / 2 for s in slow],
            [s.time * scale for s in slow],
            "v",
            color=axes.xaxis.label.get_color(),
            label="outside the fast path",
        )
        axes.legend(loc="upper right")
    axes.margins(x=0.01)
    timed = data.unit == "ms"
    axes.set_ylabel("µs each" if timed else "thousands each")
    axes.set_xlabel("ms since the inference began, operators end to end" if timed else "millions of instructions")


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
