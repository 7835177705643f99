"""Raw samples of one cell as a strip, its trials apart: what the one number was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from foundation.errors import UsageError
from results.cell_result import Unit
from results.charts.kinds import Request
from results.charts.one_cell import cell_title, one_cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN: Final = 1500  # of each trial: more marks than pixels tell nothing and make a huge SVG


@dataclass(frozen=True)
class Strip:
    """One trial: its samples in order (ms or millions of instructions), which were disturbed, its own figure."""

    block: int
    samples: tuple[float, ...]
    disturbed: tuple[bool, ...]
    figure: float | None


@dataclass(frozen=True)
class Data:
    """What the chart shows."""

    title: str
    unit: Unit
    strips: tuple[Strip, ...]
    latency: float | None
    low: float | None
    high: float | None


def data(request: Request) -> Data:
    """All samples of the one cell the request leaves. Raises UsageError where no trial ended."""
    result, evidence = one_cell(request)
    scale = 1e-6
    strips = []
    for reading in evidence.complete:
        if reading.samples is None:
            continue
        own = reading.latency(result.clock)
        strips.append(
            Strip(
                reading.trial.block,
                tuple(wall * scale for wall in reading.samples.wall_ns),
                tuple(count > 0 for count in reading.samples.preemptions),
                None if own is None else own * scale,
            )
        )
    if not strips:
        raise UsageError(f"no trial of {result.id} ended: there are no samples to draw")
    if result.latency is None:
        return Data(cell_title(result), result.unit, tuple(strips), None, None, None)
    factor = 1.0 if result.unit == "ms" else scale
    ends = [None if end is None else end * factor for end in (result.latency.low, result.latency.high)]
    return Data(cell_title(result), result.unit, tuple(strips), result.latency.median * factor, *ends)


def draw(data: Data) -> Figure:
    """Trials side by side, samples in order within each; a line for each trial's figure, a band for the cell's."""
    from results.charts.style import colours, new_figure

    figure = new_figure(9.0, 4.6)
    axes = figure.subplots()
    if data.low is not None and data.high is not None:
        name = "95 % interval of the cell" if data.unit == "ms" else "range of minima"
        axes.axhspan(data.low, data.high, color=colours()[2], alpha=0.28, linewidth=0, label=name)
    for place, strip in enumerate(data.strips):
        count = len(strip.samples)
        step = -(-count // DRAWN)
        for disturbed, marker, colour, name in (
            (False, "o", colours()[0], "undisturbed"),
            (True, "x", colours()[1], "disturbed"),
        ):
            chosen = [index for index in range(0, count, step) if strip.disturbed[index] == disturbed]
            axes.plot(
                [place + 0.1 + 0.8 * (index + 0.5) / count for index in chosen],
                [strip.samples[index] for index in chosen],
                marker,
                color=colour,
                markersize=3.5,
                alpha=0.75,
                linestyle="",
                rasterized=True,  # thousands of marks would make an SVG of megabytes
                label=name if place == 0 else None,
            )
        if strip.figure is not None:
            ink = axes.xaxis.label.get_color()
            own = "the trial's figure" if place == 0 else None
            axes.plot([place + 0.06, place + 0.94], [strip.figure] * 2, color=ink, linewidth=2.2, label=own)
    axes.set_xticks([place + 0.5 for place in range(len(data.strips))], [str(s.block + 1) for s in data.strips])
    axes.set_xlim(0, len(data.strips))
    axes.grid(False, axis="x")
    axes.set_xlabel("trial (block)")
    axes.set_ylabel("ms" if data.unit == "ms" else "millions of instructions")
    figure.suptitle(f"Samples of {data.title}", x=0.02, ha="left", weight="bold", size=14)
    legend = figure.legend(loc="upper left", ncols=4, bbox_to_anchor=(0.015, 0.94), handletextpad=0.4)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(0.7)
    figure.tight_layout(rect=(0, 0, 1, 0.9))
    return figure
