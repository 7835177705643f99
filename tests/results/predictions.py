"""Predictions beside a synthetic run's trials, right on as many pictures as a test asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from results.accuracy_evidence import AccuracyPlan, Comparison, Shard
from results.accuracy_store import AccuracyEvidence
from results.evidence import Cell
from results.store import Evidence

RIGHT, SECOND, WRONG = (7, 1, 2, 3, 4), (1, 7, 2, 3, 4), (0, 1, 2, 3, 4)  # every picture is of class 7


def plan_of(evidence: Evidence, pictures: int, cells: Sequence[Cell], validation: bool = False) -> AccuracyPlan:
    """An evaluation of some of a run's cells on so many pictures, all of class 7."""
    run = evidence.run
    return AccuracyPlan(
        id=run.id,
        started=run.started,
        command=run.command,
        data="val" if validation else "pictures",
        validation=validation,
        source="pictures",
        weights="default",
        pictures=tuple(f"{index}.jpg" for index in range(pictures)),
        classes=((7,),) * pictures,
        compared=pictures,
        devices=run.devices,
        cells=tuple(cells),
        artifacts=run.artifacts,
        files=run.files,
        host=run.host,
    )


def shard_of(cell: str, first: int, rows: Sequence[tuple[int, ...]], **changes: object) -> Shard:
    """One shard, 9 ms busy and 1 ms waiting."""
    fields = {"cell": cell, "first": first, "count": len(rows), "top5": tuple(rows)}
    return Shard.model_validate({**fields, "waited_ns": 1_000_000, "busy_ns": 9_000_000, **changes})


def predicted(
    evidence: Evidence, right: Mapping[str, int] | None = None, pictures: int = 20, validation: bool = False
) -> Evidence:
    """The run with predictions: cell id -> how many of `pictures` are right (15 of 20 for all cells by default)."""
    counts = right if right is not None else {cell.id: 15 for cell in evidence.run.cells}
    cells = [cell for cell in evidence.run.cells if cell.id in counts]
    shards = []
    for cell in cells:
        rows = [RIGHT] * counts[cell.id] + [WRONG] * (pictures - counts[cell.id])
        comparison = Comparison(top1=(7,) * pictures, signal=100.0, error=1.0)
        shards.append(shard_of(cell.id, 0, rows, comparison=comparison))
    plan = plan_of(evidence, pictures, cells, validation)
    return dataclasses.replace(evidence, accuracy=AccuracyEvidence(plan, tuple(shards)))
