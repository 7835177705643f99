"""One profiled inference as a trace for chrome://tracing and ui.perfetto.dev (Trace Event Format, JSON object form)."""

from __future__ import annotations

import json
from typing import Any

from foundation.errors import UsageError
from results.evidence import Ops
from results.operators import operator_table
from results.verdicts import CellEvidence

PROCESS, OPERATORS = 1, 1


def trace(cell: CellEvidence) -> bytes:
    """The profiled inference whose wall time is the median of the middle trial's.

    Runtimes tell how long each operator took and not when it began, so they stand end to end; what the inference
    spent outside of them is one last slice. Timestamps are microseconds (thousands of instructions on the emulated
    board). Raises UsageError where nothing was profiled.
    """
    profiles = [reading.ops for reading in cell.complete if reading.ops and reading.ops.operators]
    if not profiles:
        raise UsageError(f"no trial of {cell.cell.id} was profiled: there is nothing to trace")
    profile = sorted(profiles, key=_median_wall)[len(profiles) // 2]
    inference = sorted(range(len(profile.wall_ns)), key=profile.wall_ns.__getitem__)[len(profile.wall_ns) // 2]
    known = {row.order: row for row in operator_table(cell)}
    wall = profile.wall_ns[inference]
    name = f"{cell.cell.network} {cell.cell.format} {cell.cell.precision}"
    events = [
        _named("process_name", f"{name} on {cell.cell.device}"),
        _named("thread_name", "operators, end to end"),
        _slice(f"inference {inference}", "inference", 0, wall, {"cell": cell.cell.id, "clock": cell.clock}),
    ]
    start = 0
    for event in profile.operators:
        row = known.get(event.order)
        facts: dict[str, Any] = {"order": event.order, "name": event.name, "fast_path": event.fast_path}
        if row is not None:
            facts |= {"macs": row.macs, "bytes": row.bytes, "operator": row.operator}
        length = min(event.durations_ns[inference], wall - start)  # a nested slice may not outlast its parent
        events.append(_slice(event.type, "operator", start, length, facts))
        start += length
    if start < wall:
        events.append(_slice("outside operators", "runtime", start, wall - start, {}))
    document = {
        "traceEvents": events,
        "displayTimeUnit": "ns",
        "otherData": {
            "clock": cell.clock,
            "note": "operators stand end to end: their durations were measured, their starts were not",
        },
    }
    return json.dumps(document, indent=1).encode()


def _median_wall(profile: Ops) -> int:
    return sorted(profile.wall_ns)[len(profile.wall_ns) // 2]


def _slice(name: str, category: str, start_ns: int, length_ns: int, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "cat": category,
        "ph": "X",
        "ts": start_ns / 1e3,
        "dur": length_ns / 1e3,
        "pid": PROCESS,
        "tid": OPERATORS,
        "args": facts,
    }


def _named(kind: str, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": PROCESS, "tid": OPERATORS, "args": {"name": name}}
