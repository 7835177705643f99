"""All cells of an evaluation on all their devices, from the plan to evidence, across lost devices and resumed runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from bench.accuracy.session import Outputs, Predicting
from bench.accuracy.shards import PackedShard, packed_shards
from bench.progress import progress_bars
from bench.runner import RECONNECT_PAUSE_S, RECONNECTS
from bench.trial import Station
from exporters.datasets import DataSet
from exporters.encoding import Encoder
from exporters.reference import reference_outputs
from foundation.artifact import Artifact
from foundation.errors import DeviceError, UsageError
from results.accuracy_evidence import Comparison, Predictions, Session, Shard
from results.accuracy_store import AccuracyEvidence, AccuracyWriter
from results.evidence import Cell, Failure, parse_line

COMPARED = 1000  # pictures whose outputs are compared with the float network's, unless the user says otherwise
Reference = NDArray[np.float32]  # (pictures, classes)
References = dict[str, Reference]  # by network


def scorable(artifacts: Sequence[Artifact], data: DataSet, console: Console) -> list[Artifact]:
    """The artifacts that can have an accuracy on `data`; those of random weights are named and left out.

    Raises UsageError where none is left, where an input takes no pictures, and where the classes are others.
    """
    random = sorted({artifact.network for artifact in artifacts if artifact.weights.kind == "random"})
    if random:
        console.print(f"no accuracy for {', '.join(random)}: the weights are random")
    found = [artifact for artifact in artifacts if artifact.weights.kind != "random"]
    if not found:
        raise UsageError(
            "none of these networks has trained weights",
            hint="`bench models` shows which have; --weights takes torchvision, timm or a file",
        )
    for artifact in found:
        Encoder(artifact)
        data.check(artifact.network, artifact.outputs[0].shape[-1])
    return found


def references(networks: Iterable[str], weights: str, pictures: Sequence[str], console: Console) -> References:
    """The float networks' outputs on `pictures`. Slow the first time: call it before a device is taken."""
    if not pictures:
        return {}
    found = {}
    for network in dict.fromkeys(networks):
        console.print(f"{network}: the float network predicts {len(pictures)} pictures here")
        found[network] = reference_outputs(network, weights, pictures)
    return found


class Evaluation:
    """Predicts what is missing of a plan, cell by cell; every shard is on the disk before its place on the device
    is given to another."""

    def __init__(
        self,
        writer: AccuracyWriter,
        evidence: AccuracyEvidence,
        stations: Sequence[Station],
        console: Console,
        references: References | None = None,
    ) -> None:
        self.writer = writer
        self.plan = writer.plan
        self.evidence = evidence
        self.stations = {station.device.name: station for station in stations}
        self.console = console
        self.references = references or {}
        self.named: set[str] = set()  # pictures that were skipped, each told once

    def run(self) -> list[str]:
        """Evaluate all cells; returns those whose agent failed. Raises DeviceError when a device is lost for good."""
        failed = []
        with progress_bars(self.console) as bars:
            for cell in self.plan.cells:
                first = self.evidence.reached(cell.id)
                task = bars.add_task(cell.id, total=len(self.plan.pictures), completed=first)
                advance = partial(bars.update, task)
                trouble = self._cell(cell, first, self.references.get(cell.network), advance)
                if trouble:
                    self.console.print(f"{cell.id}: {trouble}", style="red")
                    failed.append(cell.id)
        return failed

    def _cell(self, cell: Cell, first: int, reference: Reference | None, advance: Callable[..., None]) -> str:
        """Why the cell's agent failed; nothing when all pictures were predicted."""
        station = self.stations[cell.device]
        artifact = self.plan.artifacts[cell.artifact]
        encoder = Encoder(artifact)
        reached = first

        def on_shard(shard: PackedShard, answer: Predictions, outputs: Outputs | None) -> None:
            nonlocal reached
            self.writer.append(_record(cell, shard, answer, outputs, reference))
            reached = shard.first + shard.count
            for text in shard.skipped.values():
                if text not in self.named:
                    self.named.add(text)
                    self.console.print(f"skipped: {text}")
            advance(completed=reached)

        lost = 0
        while reached < len(self.plan.pictures):
            begun = reached
            shards = packed_shards(self.plan.pictures, encoder, begun, 0 if reference is None else self.plan.compared)
            with closing(shards):
                session = Predicting(station, cell, artifact, Path(self.plan.files[cell.artifact]), on_shard).run(
                    shards, begun
                )
            self.writer.append(session)
            if session.exit_status is not None:
                return "" if reached == len(self.plan.pictures) else _trouble(session)
            lost = 0 if reached > begun else lost + 1
            if lost > RECONNECTS:
                raise DeviceError(
                    f"{cell.device} was lost while predicting for {cell.id}: {session.error}",
                    hint=f"attach it again, then: bench accuracy --resume {self.plan.id}",
                    retryable=True,
                )
            time.sleep(RECONNECT_PAUSE_S * lost)
        return ""


def _record(
    cell: Cell, shard: PackedShard, answer: Predictions, outputs: Outputs | None, reference: Reference | None
) -> Shard:
    return Shard(
        cell=cell.id,
        first=shard.first,
        count=shard.count,
        skipped=shard.skipped,
        top5=answer.top5,
        waited_ns=answer.waited_ns,
        busy_ns=answer.busy_ns,
        comparison=None if outputs is None or reference is None else compared(shard, outputs, reference),
    )


def compared(shard: PackedShard, outputs: Outputs, reference: Reference) -> Comparison:
    """The shard's outputs (a row a readable picture) against the rows of `reference` that belong to its pictures."""
    offsets = [offset for offset in range(shard.count) if offset not in shard.skipped]
    wanted = reference[shard.first : shard.first + shard.count][offsets].astype(np.float64)
    return Comparison(
        top1=tuple(int(index) for index in wanted.argmax(axis=1)),
        signal=float((wanted**2).sum()),
        error=float(((wanted - outputs) ** 2).sum()),
    )


def _trouble(session: Session) -> str:
    for line in reversed(session.lines):
        try:
            said = parse_line(line)
        except ValueError:
            continue
        if isinstance(said, Failure):
            return f"{said.code}: {said.message}"
    last = session.stderr.strip().splitlines()
    how = session.signal or f"exit status {session.exit_status}"
    return f"the agent ended with {how} before it was done" + (f": {last[-1]}" if last else "")
