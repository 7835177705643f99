"""Charts of a single cell: the one that a request leaves over."""

from __future__ import annotations

from foundation.errors import UsageError
from results.cell_result import CellResult
from results.charts.kinds import Request
from results.derive import cell_evidence
from results.verdicts import CellEvidence


def one_cell(request: Request) -> tuple[CellResult, CellEvidence]:
    """The only cell that passes the request's restrictions, with its evidence.

    Raises UsageError when none does or several do, naming the option that tells them apart.
    """
    found = [(result, source) for source in request.sources for result in source.results if request.wants(result)]
    if not found:
        names = ", ".join(sorted({cell.network for source in request.sources for cell in source.results}))
        raise UsageError("no cell fits these options", hint=f"the run has {names}")
    if len(found) > 1:
        differing = [
            f"--{key} {'|'.join(values)}"
            for key in ("network", "format", "precision", "device", "threads")
            if len(values := sorted({str(getattr(result, key)) for result, _ in found})) > 1
        ]
        hint = "add " + " ".join(differing) if differing else "name one run"
        raise UsageError(f"{len(found)} cells fit, this chart shows one", hint=hint)
    result, source = found[0]
    evidence = next(one for one in cell_evidence(source.evidence) if one.cell.id == result.id)
    return result, evidence


def cell_title(result: CellResult) -> str:
    """What is shown, in one line."""
    threads = f"{result.threads} thread{'s' if result.threads > 1 else ''}"
    return f"{result.network}, {result.format} {result.precision}, {result.device}, {threads}"
