"""An evaluation from options to evidence: what is evaluated, on which devices, begun, resumed, or beside a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.accuracy.evaluate import COMPARED, Evaluation, References, references, scorable
from bench.options import Options
from bench.plan import cells_of
from bench.runner import check_files
from bench.session import host, open_all, staged
from bench.sources import Sources
from bench.trial import Station
from device_agents.bundle import bundle
from exporters.datasets import DataSet
from foundation.errors import UsageError
from results.accuracy_evidence import AccuracyPlan
from results.accuracy_store import PLAN_FILE, AccuracyEvidence, AccuracyWriter, find_accuracy, open_accuracy
from results.evidence import Cell
from results.evidence import Device as DeviceRecord
from results.store import Evidence


def begin(
    options: Options,
    sources: Sources,
    data: DataSet,
    source: str,
    compared: int,
    command: Sequence[str],
    console: Console,
) -> tuple[AccuracyEvidence, list[str]]:
    """Evaluate in a new folder of `options.out`; also returns the cells whose agent failed.

    Raises UsageError when nothing can be scored on `data`, DeviceError when a device was lost for good.
    """
    artifacts = scorable(sources.artifacts, data, console)
    paths = tuple(str(picture.path) for picture in data.pictures)
    wanted = references([artifact.network for artifact in artifacts], options.weights, paths[:compared], console)
    with ExitStack() as stack:
        stations = []
        for device in open_all(options.device, stack):
            stations.append(staged(Station(device, bundle(device.target), "", {}, options.seed)))
        cells: list[Cell] = []
        for station in stations:
            cores = station.device.cores_for(options.cores)
            cells += cells_of(station.device.name, artifacts, options.threads, cores)
        now = datetime.now(UTC)
        plan = AccuracyPlan(
            id=f"{now:%Y%m%d-%H%M%S}-{os.getpid() % 10000:04d}",
            started=now.isoformat(timespec="seconds"),
            command=tuple(command),
            data=data.name,
            validation=data.validation,
            source=source,
            weights=options.weights,
            pictures=paths,
            classes=tuple(picture.classes for picture in data.pictures),
            compared=min(compared, len(data.pictures)),
            devices=tuple(_device(station) for station in stations),
            cells=tuple(cells),
            artifacts={artifact.sha256: artifact for artifact in artifacts},
            files={artifact.sha256: sources.files[artifact.sha256] for artifact in artifacts},
            host=host(),
        )
        folder = options.out / plan.id
        writer = stack.enter_context(AccuracyWriter.create(folder, plan))
        return _finished(writer, AccuracyEvidence(plan, ()), stations, console, wanted)


def beside(
    evidence: Evidence, options: Options, data: DataSet, source: str, console: Console
) -> tuple[AccuracyEvidence, list[str]]:
    """Evaluate the very cells that a run has timed; the predictions are kept in the run's own folder."""
    run, folder = evidence.run, evidence.folder
    assert folder is not None  # a run that was measured is on the disk
    if (folder / PLAN_FILE).exists():
        return _resumed(folder, console)
    artifacts = {artifact.sha256: artifact for artifact in scorable(list(run.artifacts.values()), data, console)}
    plan = AccuracyPlan(
        id=run.id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=run.command,
        data=data.name,
        validation=data.validation,
        source=source,
        weights=options.weights,
        pictures=tuple(str(picture.path) for picture in data.pictures),
        classes=tuple(picture.classes for picture in data.pictures),
        compared=min(COMPARED, len(data.pictures)),
        devices=run.devices,
        cells=tuple(cell for cell in run.cells if cell.artifact in artifacts),
        artifacts=artifacts,
        files={sha256: run.files[sha256] for sha256 in artifacts},
        host=run.host,
    )
    AccuracyWriter.create(folder, plan).close()
    return _resumed(folder, console)


def resume(options: Options, ref: str, console: Console) -> tuple[AccuracyEvidence, list[str]]:
    """Go on with an evaluation at the shards it had reached: its own plan counts, whatever `options` say."""
    return _resumed(find_accuracy(options.out, ref), console)


def _resumed(folder: Path, console: Console) -> tuple[AccuracyEvidence, list[str]]:
    with ExitStack() as stack:
        writer, evidence = AccuracyWriter.resume(folder)
        stack.enter_context(writer)
        plan = writer.plan
        check_files(plan.files, plan.artifacts)
        missing = [cell.network for cell in plan.cells if evidence.reached(cell.id) < plan.compared]
        wanted = references(missing, plan.weights, plan.pictures[: plan.compared], console)
        stations = []
        for device, record in zip(open_all([one.name for one in plan.devices], stack), plan.devices, strict=True):
            found = bundle(device.target)
            if found.digest != record.bundle:
                raise UsageError(
                    f"the agent or a runtime changed since evaluation {plan.id} began",
                    hint="begin a new one: its predictions would mix",
                )
            stations.append(staged(Station(device, found, "", {}, 0)))
        return _finished(writer, evidence, stations, console, wanted)


def _finished(
    writer: AccuracyWriter,
    evidence: AccuracyEvidence,
    stations: Sequence[Station],
    console: Console,
    wanted: References,
) -> tuple[AccuracyEvidence, list[str]]:
    plan = writer.plan
    console.print(
        f"evaluation {plan.id}: {len(plan.cells)} cells x {len(plan.pictures)} pictures of {plan.data}, "
        f"evidence in {writer.folder}"
    )
    failed = Evaluation(writer, evidence, stations, console, wanted).run()
    finished = open_accuracy(writer.folder)
    assert finished is not None  # its plan was written above
    return finished, failed


def _device(station: Station) -> DeviceRecord:
    return DeviceRecord(
        name=station.device.name,
        transport=station.device.transport.name,
        target=station.device.target,
        clock=station.device.clock,
        bundle=station.bundle.digest,
        job={},
        texts=station.device.texts,
    )
