"""What the report's page is given: one JSON object made from the evidence of one or more runs.

Cells are plain; each cell's operators and samples are deflated apart, so that a thousand of them stay small and only
what a reader opens is unpacked.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

from results.accuracy import Score
from results.cell_result import CellResult
from results.derive import cell_evidence, cells
from results.evidence import Device, Run, State
from results.operators import operator_table
from results.reading import Reading
from results.store import Evidence
from results.verdicts import CellEvidence

SAMPLES_SHOWN: Final = 200_000  # of all trials together, evenly spaced; the page says where samples were left out
LEAST_SHOWN, MOST_SHOWN = 40, 400  # of each trial

Json = dict[str, Any]


def payload(runs: Sequence[Evidence]) -> Json:
    """Everything the page shows: `runs`, `devices`, `cells` and, in the same order, `details` (see `detail`)."""
    found: list[Json] = []
    details: list[str] = []
    devices: list[Json] = []
    trials = sum(len(evidence.trials) for evidence in runs)
    most = min(MOST_SHOWN, max(LEAST_SHOWN, SAMPLES_SHOWN // max(1, trials)))
    for evidence in runs:
        by_device: dict[str, list[Reading]] = {}
        for result, cell in zip(cells(evidence), cell_evidence(evidence), strict=True):
            found.append(_cell(evidence.run, result))
            details.append(detail(cell, most))
            by_device.setdefault(result.device, []).extend(cell.readings)
        devices += [_device(evidence.run, one, by_device.get(one.name, [])) for one in evidence.run.devices]
    return {
        "runs": [_run(evidence) for evidence in runs],
        "devices": devices,
        "cells": found,
        "details": details,
    }


def as_script(value: Json) -> str:
    """JSON that may stand inside a <script> element whatever its strings contain."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def detail(cell: CellEvidence, most: int) -> str:
    """A cell's operators and at most so many samples of each trial: base64 of raw deflate of JSON.

    `operators`: [order, name, type, time, share, MACs, bytes or null, on the fast path], time in microseconds or
    instructions. `trials`: [block, samples kept, samples in all, indices of the disturbed ones among those kept],
    samples in ms or instructions.
    """
    operators = [
        [row.order, row.name, row.type, _short(row.time, 4), _short(row.share, 4), row.macs, row.bytes, row.fast_path]
        for row in operator_table(cell)
    ]
    body = {"operators": operators, "trials": [_trial(reading, cell.timed, most) for reading in cell.complete]}
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(json.dumps(body, separators=(",", ":")).encode()) + packer.flush()
    return base64.b64encode(packed).decode()


def _trial(reading: Reading, timed: bool, most: int) -> list[Any]:
    samples = reading.samples
    walls = samples.wall_ns if samples else ()
    preemptions = samples.preemptions if samples else ()
    step = max(1, -(-len(walls) // most))
    kept = range(0, len(walls), step)
    shown = [_short(walls[index] / 1e6, 4) if timed else walls[index] for index in kept]
    disturbed = [place for place, index in enumerate(kept) if preemptions[index]]
    return [reading.trial.block, shown, len(walls), disturbed]


def _cell(run: Run, cell: CellResult) -> Json:
    published = cell.published
    interval = cell.latency
    return {
        "id": cell.id,
        "run": run.id,
        "network": cell.network,
        "family": cell.family,
        "format": cell.format,
        "precision": cell.precision,
        "device": cell.device,
        "threads": cell.threads,
        "cores": cell.cores,
        "unit": cell.unit,
        "latency": _short(interval.median) if interval else None,
        "low": _short(interval.low) if interval and interval.low is not None else None,
        "high": _short(interval.high) if interval and interval.high is not None else None,
        "cold": _short(cell.cold),
        "load": _short(cell.load),
        "cpu": _short(cell.cpu),
        "p90": _short(cell.p90),
        "p99": _short(cell.p99),
        "memory": cell.peak_memory_bytes,
        "verdict": cell.verdict,
        "reasons": [[reason.code, reason.message, reason.waived] for reason in cell.reasons],
        "trials": cell.trials,
        "planned": cell.trials_planned,
        "samples": cell.samples,
        "disturbed": _short(cell.disturbed_share),
        "noise": _short(cell.noise),
        "overhead": _short(cell.profiling_overhead),
        "delegated": _short(cell.delegated_share),
        "size": cell.artifact.size_bytes,
        "sha256": cell.artifact.sha256,
        "params": cell.params,
        "macs": cell.macs,
        "bytes": cell.memory_access_bytes,
        "weights": cell.weights,
        "top1": published.top1 if published else None,
        "source": published.source if published else None,
        "score": _score(cell.accuracy),
        "agreement": [cell.agreement.top1, cell.agreement.sqnr_db, cell.agreement.pictures] if cell.agreement else None,
    }


def _score(score: Score | None) -> Json | None:
    """A top-1 that was measured on the device, in percent with its 95 % interval."""
    if score is None or not score.pictures:
        return None
    return {
        "data": score.data,
        "pictures": score.pictures,
        "top1": _short(100 * score.top1),
        "low": _short(100 * score.top1_low),
        "high": _short(100 * score.top1_high),
        "top5": _short(100 * score.top5),
    }


def _run(evidence: Evidence) -> Json:
    run = evidence.run
    return {
        "id": run.id,
        "started": run.started,
        "quick": run.quick,
        "command": " ".join(run.command),
        "seed": run.seed,
        "blocks": run.blocks,
        "waived": list(run.waived),
        "cut": evidence.damaged,
        "pocketbench": run.host.pocketbench + (f" ({run.host.commit[:10]})" if run.host.commit else ""),
        "python": run.host.python,
        "system": run.host.system,
        "versions": run.host.versions,
    }


def _device(run: Run, device: Device, readings: Sequence[Reading]) -> Json:
    runtimes = {f"{one.hello.runtime} {one.hello.runtime_version}" for one in readings if one.hello}
    agents = {one.hello.agent for one in readings if one.hello}
    return {
        "run": run.id,
        "name": device.name,
        "transport": device.transport,
        "target": device.target,
        "clock": device.clock,
        "bundle": device.bundle,
        "agent": sorted(agents),
        "runtimes": sorted(runtimes),
        "job": device.job,
        "texts": device.texts,
        "before": _state(next((one.before for one in readings if one.before), None)),
        "after": _state(next((one.after for one in reversed(readings) if one.after), None)),
    }


def _state(state: State | None) -> Json | None:
    return {"cores": state.cores_allowed, "files": state.files} if state else None


def _short(value: float | None, digits: int = 6) -> float | None:
    """Six significant digits: more than any interval here, and half the file; single samples are drawn, not read."""
    return None if value is None else float(f"{value:.{digits}g}")
