"""The roofline of one cell: what its operators achieve against what the device can compute and deliver.

Williams, Waterman and Patterson, Roofline, CACM 2009; here with multiply-accumulates in place of flops and the
operators' own memory access cost in place of measured traffic, so the intensity is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import UsageError
from results.ceilings import Ceilings, ceilings
from results.charts.kinds import Request
from results.charts.log_axis import logarithmic
from results.charts.one_cell import cell_title, one_cell
from results.operators import operator_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Mark:
    """One operator: MACs a byte, MACs a second, its share of the time."""

    type: str
    intensity: float
    macs_per_second: float
    share: float


@dataclass(frozen=True)
class Data:
    """What the chart shows. `unplaced` is the share of time of operators without MACs, which have no place here."""

    title: str
    precision: str
    marks: tuple[Mark, ...]
    unplaced: float
    ceilings: Ceilings | None


def data(request: Request) -> Data:
    """Operators with MACs of the one cell the request leaves. Raises UsageError where none can be placed."""
    result, evidence = one_cell(request)
    if result.unit == "instructions":
        raise UsageError("instructions have no rate: a roofline needs a device with real time")
    rows = operator_table(evidence)
    marks = [
        Mark(row.type, row.intensity, row.macs_per_second, row.share)
        for row in rows
        if row.intensity and row.macs_per_second
    ]
    if not marks:
        raise UsageError(f"{result.id} has no profiled operator with MACs: nothing to draw")
    device = next(
        one
        for source in request.sources
        if result in source.results
        for one in source.evidence.run.devices
        if one.name == result.device
    )
    unplaced = 1.0 - sum(mark.share for mark in marks)
    return Data(cell_title(result), result.precision, tuple(marks), unplaced, ceilings(device, result.threads))


def draw(data: Data) -> Figure:
    """Both axes logarithmic; a mark's area is its share of the time, its colour its type."""
    from matplotlib.collections import PathCollection

    from results.charts.style import colours, new_figure

    figure = new_figure(8.6, 5.8)
    axes = figure.subplots()
    shares: dict[str, float] = {}
    for mark in data.marks:
        shares[mark.type] = shares.get(mark.type, 0.0) + mark.share
    types = sorted(shares, key=lambda name: -shares[name])
    for index, name in enumerate(types):
        mine = [mark for mark in data.marks if mark.type == name]
        axes.scatter(
            [mark.intensity for mark in mine],
            [mark.macs_per_second / 1e9 for mark in mine],
            s=[25 + 2200 * mark.share for mark in mine],
            color=colours()[index] if index < len(colours()) else "#8b93a1",
            alpha=0.65,
            edgecolors="none",
            label=f"{name[:34]} ({shares[name]:.0%})" if index < 6 else None,
        )
    note = "area: share of the time; intensity counts inputs, weights and outputs once"
    if data.ceilings:
        note += "; above memory's roof: data came from a cache"
    if data.unplaced > 0.005:
        note += f"\n{data.unplaced:.0%} of the time is in operators without MACs"
    if data.ceilings:
        _roofs(axes, data, data.ceilings)
    else:
        note += "\nno ceilings: this run holds no probe of the device with so many threads"
    logarithmic(axes, "x")
    logarithmic(axes, "y")
    axes.set_xlabel("arithmetic intensity, MACs a byte")
    axes.set_ylabel("achieved, billion MACs a second")
    figure.suptitle(f"Roofline: {data.title}", x=0.02, ha="left", weight="bold", size=14)
    legend = axes.legend(loc="lower right")
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([60])
    figure.text(0.02, 0.015, note, fontsize=10)
    figure.tight_layout(rect=(0, 0.07, 1, 0.97))
    return figure


def _roofs(axes: Axes, data: Data, found: Ceilings) -> None:
    """The slanted roof of memory and the flat one of the cell's precision, meeting at the ridge."""
    from results.charts.style import colours

    peak = found.macs_per_second(data.precision) / 1e9
    bandwidth = found.read_bytes_per_second / 1e9
    ridge = peak / bandwidth
    left = min([mark.intensity for mark in data.marks] + [ridge]) / 2
    right = max([mark.intensity for mark in data.marks] + [ridge]) * 2
    axes.plot([left, ridge, right], [left * bandwidth, peak, peak], color=axes.xaxis.label.get_color(), linewidth=2)
    roofs = [("int8" if data.precision == "int8" else "fp32", peak, axes.xaxis.label.get_color())]
    if (
        data.precision == "int8"
    ):  # where an int8 file's fp32 operators end; the int8 roof says nothing about an fp32 file
        other = found.fp32_macs_per_second / 1e9
        axes.plot([max(left, other / bandwidth), right], [other] * 2, color=colours()[3], linewidth=1.4, linestyle="--")
        roofs.append(("fp32", other, colours()[3]))
    for name, roof, colour in roofs:
        axes.annotate(
            f"{name}: {roof:.0f} GMAC/s",
            (right, roof),
            xytext=(0, 5),
            textcoords="offset points",
            ha="right",
            fontsize=10,
            color=colour,
        )
    axes.annotate(
        f"memory: {bandwidth:.1f} GB/s",
        (left, left * bandwidth),
        xytext=(14, -6),
        textcoords="offset points",
        fontsize=10,
    )
