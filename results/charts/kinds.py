"""The kinds of charts, registered in one place, and what each is asked to draw.

A kind is a module of this package with

    data(request: Request) -> Data      a frozen dataclass: exactly what will be drawn, nothing else
    draw(data: Data) -> Figure          called inside results.charts.style.styled()

`data` raises UsageError where there is nothing to draw. A request holds results of one clock only.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from foundation.errors import UsageError
from results.cell_result import CellResult, Unit
from results.store import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: Final = {
    "latency-accuracy": "results.charts.latency_accuracy",
    "latency-measured": "results.charts.measured_accuracy",
    "macs": "results.charts.macs",
    "memory": "results.charts.memory",
    "operators": "results.charts.operators",
    "roofline": "results.charts.roofline",
    "speedup": "results.charts.speedup",
    "devices": "results.charts.devices",
    "samples": "results.charts.samples",
    "sustained": "results.charts.sustained",
}
DEFAULT: Final = "latency-accuracy"


@dataclass(frozen=True)
class Source:
    """One run: its evidence and the results of one clock derived from it."""

    evidence: Evidence
    results: tuple[CellResult, ...]


@dataclass(frozen=True)
class Request:
    """Runs to draw and what to restrict the chart to; None: no restriction."""

    sources: tuple[Source, ...]
    unit: Unit
    network: str | None = None
    format: str | None = None
    precision: str | None = None
    device: str | None = None
    threads: int | None = None

    @property
    def results(self) -> list[CellResult]:
        """Results of all runs that pass the restrictions."""
        return [cell for source in self.sources for cell in source.results if self.wants(cell)]

    def wants(self, cell: CellResult) -> bool:
        """Whether a cell passes the restrictions."""
        asked = {
            "network": self.network,
            "format": self.format,
            "precision": self.precision,
            "device": self.device,
            "threads": self.threads,
        }
        return all(value is None or getattr(cell, key) == value for key, value in asked.items())


class Kind(Protocol):
    """A module that draws one kind of chart."""

    def data(self, request: Request) -> Any:
        """What will be drawn."""

    def draw(self, data: Any) -> Figure:
        """The chart of it."""


def kind(name: str) -> Kind:
    """The module of a kind. Raises UsageError with the nearest names."""
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, 3, 0.3) or list(KINDS)
        raise UsageError(f"no chart {name}", hint=f"kinds are {', '.join(near)}")
    return cast(Kind, importlib.import_module(KINDS[name]))


def by_unit(sources: Sequence[Source]) -> list[tuple[Unit, tuple[Source, ...]]]:
    """The runs' results parted by clock: milliseconds and instructions never share an axis."""
    parted = []
    units: tuple[Unit, ...] = ("ms", "instructions")
    for unit in units:
        mine = tuple(Source(s.evidence, tuple(cell for cell in s.results if cell.unit == unit)) for s in sources)
        if any(source.results for source in mine):
            parted.append((unit, tuple(source for source in mine if source.results)))
    return parted
