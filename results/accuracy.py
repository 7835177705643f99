"""From predictions to scores: top-1 and top-5 with their intervals, agreement with the float network, throughput."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from foundation.artifact import Format, Precision
from foundation.record import Record
from results.accuracy_evidence import Shard
from results.accuracy_store import AccuracyEvidence
from results.statistics import wilson_interval

PACKAGED: Final = "pictures"  # the data set that packages ship: easy pictures, never to be called ImageNet


class Score(Record):
    """What one cell's predictions are worth. Shares are fractions of 1, intervals are Wilson's 95 % ones.

    `pictures` are those that were predicted and not skipped, of `planned` ones. `agreement`: the share of `compared`
    pictures on which the float network (PyTorch) has the same first class. `sqnr_db` is of the outputs against the
    float network's; None without comparison, and where they are equal.
    """

    cell: str
    network: str
    format: Format
    precision: Precision
    device: str
    threads: int
    artifact: str
    data: str
    validation: bool  # of ImageNet-1k's validation pictures: comparable with published accuracies
    pictures: int
    planned: int
    skipped: int
    correct: int
    top1: float
    top1_low: float
    top1_high: float
    top5: float
    top5_low: float
    top5_high: float
    agreement: float | None
    compared: int
    sqnr_db: float | None
    waiting_share: float | None  # of the device's time between its first and last picture; None without a real clock
    pictures_per_s: float | None

    @property
    def complete(self) -> bool:
        """Every planned picture was predicted or found unusable."""
        return self.pictures + self.skipped == self.planned

    @property
    def label(self) -> str:
        """What the score is of, as it is named wherever it is shown."""
        return f"top-1 on {self.data} ({self.pictures} pictures)"


@dataclass
class _Tally:
    pictures: int = 0
    skipped: int = 0
    top1: int = 0
    top5: int = 0
    compared: int = 0
    agreed: int = 0
    signal: float = 0.0
    error: float = 0.0
    waited_ns: int = 0
    busy_ns: int = 0
    seen: set[int] = field(default_factory=set)

    def add(self, shard: Shard, classes: Sequence[tuple[int, ...]]) -> None:
        """Count one shard; the same pictures come once, though a lost device may have been shown them again."""
        if shard.first in self.seen:
            return
        self.seen.add(shard.first)
        right = [classes[shard.first + offset] for offset in range(shard.count) if offset not in shard.skipped]
        for row, labels in zip(shard.top5, right, strict=True):
            self.top1 += row[0] in labels
            self.top5 += any(index in labels for index in row)
        self.pictures += len(shard.top5)
        self.skipped += len(shard.skipped)
        self.waited_ns += shard.waited_ns
        self.busy_ns += shard.busy_ns
        if shard.comparison:
            self.compared += len(shard.top5)
            self.agreed += sum(row[0] == top1 for row, top1 in zip(shard.top5, shard.comparison.top1, strict=True))
            self.signal += shard.comparison.signal
            self.error += shard.comparison.error

    @property
    def sqnr_db(self) -> float | None:
        """10 log10(signal power / error power); None without either."""
        if self.signal == 0.0 or self.error == 0.0:
            return None
        return 10.0 * math.log10(self.signal / self.error)


def scores(evidence: AccuracyEvidence) -> list[Score]:
    """A score for each cell that has predictions, in the plan's order."""
    plan = evidence.plan
    clocks = {device.name: device.clock for device in plan.devices}
    tallies = {cell.id: _Tally() for cell in plan.cells}
    for shard in evidence.shards:
        tallies[shard.cell].add(shard, plan.classes)
    found = []
    for cell in plan.cells:
        tally = tallies[cell.id]
        if not tally.pictures:
            continue
        top1_low, top1_high = wilson_interval(tally.top1, tally.pictures)
        top5_low, top5_high = wilson_interval(tally.top5, tally.pictures)
        whole = tally.waited_ns + tally.busy_ns if clocks[cell.device] == "nanoseconds" else 0
        found.append(
            Score(
                cell=cell.id,
                network=cell.network,
                format=cell.format,
                precision=cell.precision,
                device=cell.device,
                threads=cell.threads,
                artifact=cell.artifact,
                data=plan.data,
                validation=plan.validation,
                pictures=tally.pictures,
                planned=len(plan.pictures),
                skipped=tally.skipped,
                correct=tally.top1,
                top1=tally.top1 / tally.pictures,
                top1_low=top1_low,
                top1_high=top1_high,
                top5=tally.top5 / tally.pictures,
                top5_low=top5_low,
                top5_high=top5_high,
                agreement=tally.agreed / tally.compared if tally.compared else None,
                compared=tally.compared,
                sqnr_db=tally.sqnr_db,
                waiting_share=tally.waited_ns / whole if whole else None,
                pictures_per_s=tally.pictures / whole * 1e9 if whole else None,
            )
        )
    return found
