"""Charts of a single cell: the one that a request leaves over."""

from __future__ import annotations

from results.cell_result import CellResult
from results.charts.kinds import Request
from results.choice import only
from results.derive import cell_evidence
from results.verdicts import CellEvidence


def one_cell(request: Request) -> tuple[CellResult, CellEvidence]:
    """The only cell that passes the request's restrictions, with its evidence.

    Raises UsageError when none does or several do, naming the option that tells them apart.
    """
    found = [(result, source) for source in request.sources for result in source.results if request.wants(result)]
    result, source = only(found, lambda pair: pair[0], "this chart shows")
    evidence = next(one for one in cell_evidence(source.evidence) if one.cell.id == result.id)
    return result, evidence


def cell_title(result: CellResult) -> str:
    """What is shown, in one line."""
    threads = f"{result.threads} thread{'s' if result.threads > 1 else ''}"
    return f"{result.network}, {result.format} {result.precision}, {result.device}, {threads}"
