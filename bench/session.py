"""A run from its options to its evidence: export, open devices, plan, measure, derive.

Everything that can refuse (names, folders, files, devices) is asked before the first trial.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from rich.console import Console

from bench.devices.device import Device
from bench.devices.pace import Pacer
from bench.devices.performance import hold_fixed_performance
from bench.devices.resolve import resolve
from bench.options import Options
from bench.plan import DEFAULT_BLOCKS, block_order, cells_of, job_settings, joined
from bench.probe import probe
from bench.progress import progress_bars
from bench.runner import check_files, measure, pending
from bench.sources import Sources
from bench.trial import Station
from device_agents.bundle import bundle
from foundation.cache import storage_error
from foundation.errors import DeviceError, Interrupted, UsageError
from results.evidence import Cell, Host, Run, Trial, lines_of
from results.evidence import Device as DeviceRecord
from results.store import Evidence, RunWriter, open_run

REPORTED_VERSIONS = ("onnxruntime", "ai-edge-litert", "torch", "litert-torch", "ai-edge-quantizer", "onnx", "numpy")


def start(
    options: Options,
    sources: Sources,
    command: Sequence[str],
    console: Console,
    *,
    job: Mapping[str, str] | None = None,
) -> Evidence:
    """Measure what `options` and `sources` say in a new run, with `job` in the place of the usual settings.

    Raises DeviceError when a device was lost for good, Interrupted on Ctrl-C; the evidence is kept.
    """
    with ExitStack() as stack:
        stations = [
            prepared(_station(device, options, job), options.pace, console.print)
            for device in open_all(options.device, stack, wait=options.wait)
        ]
        run = _planned(options, sources, stations, command)
        writer = stack.enter_context(RunWriter.create(options.out, run))
        console.print(f"run {run.id}: {len(run.cells)} cells x {run.blocks} trials, evidence in {writer.folder}")
        return _measured(writer, stations, [], console)


def resume(options: Options, ref: str, console: Console) -> Evidence:
    """Go on with a run where it stopped: its own plan, seed and settings count, whatever `options` say."""
    with ExitStack() as stack:
        writer, evidence = RunWriter.resume(options.out, ref)
        stack.enter_context(writer)
        run = writer.run
        check_files(run.files, run.artifacts)
        devices = open_all([record.name for record in run.devices], stack, wait=options.wait)
        stations = []
        for device, record in zip(devices, run.devices, strict=True):
            station = Station(device, bundle(device.target), "", record.job, run.seed)
            if station.bundle.digest != record.bundle:
                raise UsageError(
                    f"the agent or a runtime changed since run {run.id} began",
                    hint="start a new run: its numbers would mix",
                )
            stations.append(prepared(staged(station), options.pace, console.print))
        console.print(f"run {run.id}: {len(evidence.trials)} trials are there, evidence in {writer.folder}")
        return _measured(writer, stations, evidence.trials, console)


def writable(folder: Path) -> None:
    """Raises StorageError when no evidence could be written to `folder`; asked before anything is measured."""
    probe = folder / f".pocketbench-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise storage_error(error, folder) from error


def open_all(names: Sequence[str], stack: ExitStack, *, wait: bool = True) -> list[Device]:
    """The named devices, each once, open until `stack` is left; `wait` for those that another process holds."""
    return [stack.enter_context(resolve(name).open(wait=wait)) for name in dict.fromkeys(names)]


def _station(device: Device, options: Options, job: Mapping[str, str] | None) -> Station:
    settings = job or job_settings(
        device.clock, quick=options.quick, samples_min=options.samples_min, profile_runs=options.profile_runs
    )
    return staged(Station(device, bundle(device.target), "", settings, options.seed))


def staged(station: Station) -> Station:
    """The station with its bundle on the device."""
    return replace(station, folder=station.device.stage.put_bundle(station.bundle))


def prepared(station: Station, pace: Literal["auto", "on", "off"], say: Callable[[str], None]) -> Station:
    """The staged station, ready for trials: fixed-performance mode on where the device has it, paced where asked."""
    device = station.device
    hold_fixed_performance(device, say)
    if device.clock == "instructions" or pace == "off" or (pace == "auto" and not device.profile.pace):
        return station
    return replace(station, pacer=Pacer(device, station.bundle.command, station.folder, station.bundle.digest, say))


def _planned(options: Options, sources: Sources, stations: Sequence[Station], command: Sequence[str]) -> Run:
    now = datetime.now(UTC)
    cells: list[Cell] = []
    for station in stations:
        cores = station.device.cores_for(options.cores)
        cells += cells_of(station.device.name, sources.artifacts, options.threads, cores)
    order: list[tuple[str, ...]] = []
    for station in stations:
        mine = [cell for cell in cells if cell.device == station.device.name]
        blocks = options.trials or (1 if options.quick else DEFAULT_BLOCKS[station.device.clock])
        order = joined(order, block_order(mine, blocks, options.seed))
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{os.getpid() % 10000:04d}",
        started=now.isoformat(timespec="seconds"),
        command=tuple(command),
        seed=options.seed,
        blocks=len(order),
        quick=options.quick,
        waived=options.waive,
        devices=tuple(
            DeviceRecord(
                name=station.device.name,
                transport=station.device.transport.name,
                target=station.device.target,
                clock=station.device.clock,
                bundle=station.bundle.digest,
                job=dict(station.settings),
                texts=station.device.texts
                | ({} if options.quick else probe(station, options.threads, options.cores or station.device.cores)),
            )
            for station in stations
        ),
        cells=tuple(cells),
        order=tuple(order),
        artifacts={artifact.sha256: artifact for artifact in sources.artifacts},
        files=sources.files,
        host=host(),
    )


def _measured(writer: RunWriter, stations: Sequence[Station], trials: Sequence[Trial], console: Console) -> Evidence:
    todo = sum(len(pending(writer, trials, station.device.name)) for station in stations)
    with progress_bars(console) as bars:
        task = bars.add_task("trials", total=todo)

        def on_trial(cell: Cell, trial: Trial) -> None:
            bars.update(task, advance=trial.exit_status is not None, description=f"block {trial.block + 1} {cell.id}")
            if trouble := trial_trouble(trial):
                console.print(f"{cell.id}: {trouble}")

        try:
            lost = measure(writer, stations, trials, on_trial=on_trial)
        except KeyboardInterrupt as ended:
            hint = f"go on with: bench run --resume {writer.run.id}"
            raise Interrupted("interrupted; every finished trial is kept", hint=hint) from ended
    if lost:
        first = lost[0]
        others = f" (and {len(lost) - 1} more devices)" if len(lost) > 1 else ""
        raise DeviceError(first.message + others, hint=first.hint, retryable=True)
    writer.finish()
    return open_run(writer.folder.parent, str(writer.folder))


def trial_trouble(trial: Trial) -> str:
    """Why a trial is not complete, in a few words; empty when it is."""
    failures = [line for line in lines_of(trial) if line.kind in ("error", "done")]
    if failures and failures[-1].kind == "done":
        return ""
    if failures and failures[-1].kind == "error":
        return f"{failures[-1].code}: {failures[-1].message}"
    if trial.error:
        return trial.error
    how = trial.signal or f"exit status {trial.exit_status}"
    said = trial.stderr.strip().splitlines()
    return f"the agent ended with {how} before it was done" + (f": {said[-1]}" if said else "")


def host() -> Host:
    """Who measures: versions of everything that could matter."""
    found = {}
    for name in REPORTED_VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # the export extra is not installed: it took no part
    return Host(
        pocketbench=version("pocketbench"),
        commit=_commit(),
        python=sys.version.split()[0],
        system=platform.platform(),
        versions=found,
    )


def _commit() -> str | None:
    """Commit of the checkout that this code runs from; None for an installed copy."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    asked = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True)
    return asked.stdout.strip() or None
