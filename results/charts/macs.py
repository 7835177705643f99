"""MACs against latency: do FLOPs predict latency on this device?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.charts import cost_latency
from results.charts.cost_latency import Data
from results.charts.kinds import Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def data(request: Request) -> Data:
    """One point a cell: million MACs of an inference against latency."""
    return cost_latency.data(
        request, "MACs against latency", "million MACs of one inference (FLOPs: twice)", lambda cell: cell.macs / 1e6
    )


def draw(data: Data) -> Figure:
    """See results.charts.cost_latency."""
    return cost_latency.draw(data)
