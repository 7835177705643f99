"""From evidence to cell results: always the same way, so that it can be done again bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from foundation.errors import StorageError
from results.accuracy import Score, scores
from results.cell_result import ArtifactRef, CellResult, Estimate, Interval, TrialLatency, Unit
from results.collector import paused_collector
from results.device_checks import calibration
from results.evidence import Clock, Run, Trial
from results.reading import Reading, read
from results.statistics import median, median_with_interval, percentile
from results.store import Evidence
from results.verdicts import CellEvidence, check_waivers, judge

UNITS: Final[dict[Clock, Unit]] = {"nanoseconds": "ms", "instructions": "instructions"}


@paused_collector()
def cells(evidence: Evidence, waive: Sequence[str] = ()) -> list[CellResult]:
    """Every cell of the run in the plan's order. `waive` adds to the codes that the run itself waived.

    Raises StorageError when trials contradict the run (another clock), UsageError for an unknown code.
    """
    waived = (*evidence.run.waived, *waive)
    check_waivers(waived)
    accuracy = {score.cell: score for score in scores(evidence.accuracy)} if evidence.accuracy else {}
    return [_result(evidence.run, cell, waived, accuracy.get(cell.cell.id)) for cell in cell_evidence(evidence)]


@paused_collector()
def cell_evidence(evidence: Evidence) -> list[CellEvidence]:
    """The evidence of each cell of the plan: one reading a block, the last made for it."""
    run = evidence.run
    clocks = {device.name: device.clock for device in run.devices}
    last: dict[tuple[str, int], Trial] = {(trial.cell, trial.block): trial for trial in evidence.trials}
    readings: dict[str, list[Reading]] = {cell.id: [] for cell in run.cells}
    for cell_id, block in sorted(last):
        readings[cell_id].append(read(last[cell_id, block]))
    found = []
    baselines = _calibration_baselines(run, readings)
    for cell in run.cells:
        clock = clocks[cell.device]
        for reading in readings[cell.id]:
            if reading.hello and reading.hello.clock != clock:
                raise StorageError(f"{cell.id}: the run says {clock}, its trials say {reading.hello.clock}")
        planned = max(sum(cell.id in block for block in run.order), len(readings[cell.id]))
        found.append(
            CellEvidence(
                cell=cell,
                artifact=run.artifacts[cell.artifact],
                clock=clock,
                planned=planned,
                readings=tuple(readings[cell.id]),
                calibration_baseline=baselines.get(cell.device),
            )
        )
    return found


def _calibration_baselines(run: Run, readings: dict[str, list[Reading]]) -> dict[str, float]:
    baselines: dict[str, float] = {}
    for cell in run.cells:
        for reading in readings[cell.id]:
            for state in (reading.before, reading.after):
                time = calibration(state)
                if time is not None:
                    baselines[cell.device] = min(time, baselines.get(cell.device, time))
    return baselines


def _result(run: Run, evidence: CellEvidence, waived: Sequence[str], accuracy: Score | None) -> CellResult:
    cell, artifact, clock = evidence.cell, evidence.artifact, evidence.clock
    complete = evidence.complete
    scale = 1e-6 if clock == "nanoseconds" else 1.0
    verdict, reasons = judge(evidence, waived)
    trials = tuple(_trial(reading, clock, scale) for reading in complete)
    told = [trial.latency for trial in trials if trial.latency is not None]
    latency = _latency(told, clock) if 2 * len(told) >= len(trials) else None  # what most trials cannot tell is unknown
    cold, cold_interval = _typical([reading.cold.wall_ns * scale for reading in complete if reading.cold])
    load, load_interval = _typical(
        [(reading.loaded.load_ns + reading.loaded.init_ns) * scale for reading in complete if reading.loaded]
    )
    cpu, cpu_interval = _typical([trial.cpu for trial in trials])
    walls = np.concatenate([reading.wall for reading in complete]) * scale if complete else np.empty(0)
    p90, p99 = (percentile(walls, 0.9), percentile(walls, 0.99)) if walls.size else (None, None)
    shares = [r.loaded.delegated_share for r in complete if r.loaded and r.loaded.delegated_share is not None]
    return CellResult(
        id=cell.id,
        network=cell.network,
        family=artifact.family,
        format=cell.format,
        precision=cell.precision,
        device=cell.device,
        threads=cell.threads,
        cores=cell.cores,
        clock=clock,
        unit=UNITS[clock],
        latency=latency,
        cold=cold,
        cold_interval=cold_interval,
        load=load,
        load_interval=load_interval,
        peak_memory_bytes=max((r.done.peak_memory_bytes for r in complete if r.done), default=None),
        verdict=verdict,
        reasons=reasons,
        trials=len(complete),
        trials_planned=evidence.planned,
        samples=int(walls.size),
        quick=run.quick,
        artifact=ArtifactRef(sha256=artifact.sha256, size_bytes=artifact.size_bytes),
        params=artifact.params,
        macs=artifact.macs,
        memory_access_bytes=artifact.memory_access_bytes,
        weights=artifact.weights.kind,
        published=artifact.published,
        agreement=artifact.agreement,
        accuracy=accuracy,
        disturbed_share=evidence.disturbed_share,
        noise=evidence.noise,
        p90=p90,
        p99=p99,
        cpu=cpu,
        cpu_interval=cpu_interval,
        profiling_overhead=_profiling_overhead(evidence),
        delegated_share=min(shares, default=None),
        trial_latencies=trials,
    )


def _trial(reading: Reading, clock: Clock, scale: float) -> TrialLatency:
    latency = reading.latency(clock)
    return TrialLatency(
        block=reading.trial.block,
        latency=None if latency is None else latency * scale,
        cpu=median(reading.cpu) * scale,
        samples=reading.wall.size,
        disturbed=reading.disturbed,
    )


def _latency(values: list[float], clock: Clock) -> Estimate | None:
    if not values:
        return None
    if clock == "instructions":
        several = len(values) > 1
        low, high = (min(values), max(values)) if several else (None, None)
        return Estimate(median=min(values), low=low, high=high, unit=UNITS[clock])
    middle, low, high = median_with_interval(values)
    return Estimate(median=middle, low=low, high=high, unit=UNITS[clock])


def _typical(values: list[float]) -> tuple[float | None, Interval | None]:
    """Median over trials with its interval; a figure that can be zero (a clock too coarse for it) has none."""
    if not values:
        return None, None
    if min(values) <= 0.0:
        return median(values), None
    middle, low, high = median_with_interval(values)
    return middle, None if low is None or high is None else Interval(low=low, high=high)


def _profiling_overhead(evidence: CellEvidence) -> float | None:
    """Profiled inferences against the trial's own latency, the median trial's."""
    values = []
    for reading in evidence.complete:
        latency = reading.latency(evidence.clock)
        if reading.ops and reading.ops.wall_ns and latency:
            walls = reading.ops.wall_ns
            profiled = min(walls) if evidence.clock == "instructions" else median(walls)
            values.append(profiled / latency - 1.0)
    return median(values) if values else None
