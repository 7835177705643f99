"""Memory access cost against latency: does what the operators move predict latency on this device?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.charts import cost_latency
from results.charts.cost_latency import Data
from results.charts.kinds import Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def data(request: Request) -> Data:
    """One point a cell: MB that the operators of one inference must read and write against latency."""
    return cost_latency.data(
        request,
        "Memory access cost against latency",
        "MB read and written by the operators of one inference",
        lambda cell: cell.memory_access_bytes / 1e6,
    )


def draw(data: Data) -> Figure:
    """See results.charts.cost_latency."""
    return cost_latency.draw(data)
