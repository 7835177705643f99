"""How much faster int8 is than fp32, network by network, from the blocks that measured both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.cell_result import CellResult, Unit
from results.charts.kinds import Request
from results.statistics import block_ratio

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Speedup:
    """fp32 latency over int8 latency with its 95 % interval, None where fewer than two blocks measured both."""

    network: str
    format: str
    device: str
    threads: int
    ratio: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Data:
    """What the chart shows, the greatest speed-up first."""

    unit: Unit
    speedups: tuple[Speedup, ...]


def data(request: Request) -> Data:
    """Pairs of cells that differ in precision alone. Raises UsageError where there is none."""
    found = []
    for source in request.sources:
        cells = {
            (c.network, c.format, c.device, c.threads, c.cores, c.precision): c
            for c in source.results
            if request.wants(c) and c.verdict != "invalid"
        }
        for (*key, precision), slow in cells.items():
            fast = cells.get((*key, "int8"))  # type: ignore[arg-type]
            if precision == "fp32" and fast:
                found += _speedup(slow, fast)
    if not found:
        raise UsageError(
            "no block gave a network both an fp32 and an int8 latency", hint="bench run --precisions fp32,int8"
        )
    return Data(request.unit, tuple(sorted(found, key=lambda one: -one.ratio)))


def _speedup(slow: CellResult, fast: CellResult) -> list[Speedup]:
    times = [{t.block: t.latency for t in cell.trial_latencies if t.latency} for cell in (fast, slow)]
    blocks = sorted(times[0].keys() & times[1].keys())
    if not blocks:
        return []
    ratio = block_ratio([times[0][block] for block in blocks], [times[1][block] for block in blocks])
    return [Speedup(slow.network, slow.format, slow.device, slow.threads, ratio.estimate, ratio.low, ratio.high)]


def draw(data: Data) -> Figure:
    """A row a network, a mark a format; 1 is no gain."""
    from results.charts.style import FORMAT_MARKERS, colours, new_figure

    several = len({(one.device, one.threads) for one in data.speedups}) > 1
    rows = list(dict.fromkeys(_row(one, several) for one in data.speedups))
    figure = new_figure(8.0, 1.9 + 0.42 * len(rows))
    axes = figure.subplots()
    axes.axvline(1.0, color=axes.xaxis.label.get_color(), linewidth=1.2)
    formats = sorted({one.format for one in data.speedups})
    for index, form in enumerate(formats):
        mine = [one for one in data.speedups if one.format == form]
        heights = [rows.index(_row(one, several)) + 0.24 * (index - (len(formats) - 1) / 2) for one in mine]
        below = [0 if one.low is None else one.ratio - one.low for one in mine]
        above = [0 if one.high is None else one.high - one.ratio for one in mine]
        axes.errorbar(
            [one.ratio for one in mine],
            heights,
            xerr=[below, above],
            fmt=FORMAT_MARKERS[form],
            label=form,
            color=colours()[index],
            markersize=8,
            elinewidth=1.8,
        )
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(False, axis="y")
    unit = "latency" if data.unit == "ms" else "instructions"
    axes.set_xlabel(f"fp32 {unit} / int8 {unit}; right of 1 int8 is faster")
    axes.set_title("Speed-up of int8 over fp32")
    axes.legend(loc="upper right", ncols=len(formats), bbox_to_anchor=(1.0, 1.0 + 0.5 / (0.42 * len(rows) + 0.6)))
    figure.tight_layout()
    return figure


def _row(one: Speedup, several: bool) -> str:
    return f"{one.network} ({one.device}, {one.threads} thr.)" if several else one.network
