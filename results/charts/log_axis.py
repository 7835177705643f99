"""Logarithmic axes whose ticks are plain numbers, enough of them also where the data spans less than a decade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def logarithmic(axes: Axes, which: Literal["x", "y"], margin: float = 0.14) -> None:
    """Make one axis logarithmic; call it when everything is drawn. `margin` is a share of the axis on either side."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    if which == "x":
        axes.set_xscale("log")
        axes.margins(x=margin)
    else:
        axes.set_yscale("log")
        axes.margins(y=margin)
    axes.autoscale_view()
    low, high = sorted(axis.get_view_interval())
    narrow = high / low < 8
    axis.set_minor_locator(LogLocator(subs=range(1, 10), numticks=20))
    if high / low < 2.5:  # hardly curved: round numbers at equal steps, where a decade's own would leave one or two
        axis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10)))
    else:
        axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 6) if narrow else (1, 2, 5), numticks=20))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())
