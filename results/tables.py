"""A run's evidence as three Parquet tables for analysis: samples, operators, cells.

Every table names the run, so that tables of many runs can be read as one. Times of samples and operators
stay integers of the trial's clock; `clock` says which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from foundation.cache import written_whole
from foundation.errors import StorageError
from results.derive import cell_evidence, cells
from results.evidence import Run
from results.reading import Reading
from results.store import Evidence
from results.verdicts import CellEvidence

NAMES = ("samples", "operators", "cells")  # each is written as NAME.parquet

TRIAL_COLUMNS = (("run", pa.string()), ("cell", pa.string()), ("clock", pa.string()), ("block", pa.int32()))
SAMPLES = pa.schema(
    [*TRIAL_COLUMNS, ("index", pa.int32()), ("wall", pa.int64()), ("cpu", pa.int64()), ("preemptions", pa.int32())]
)
OPERATORS = pa.schema(
    [
        *TRIAL_COLUMNS,
        ("inference", pa.int32()),
        ("order", pa.int32()),
        ("name", pa.string()),
        ("type", pa.string()),
        ("fast_path", pa.bool_()),
        ("duration", pa.int64()),
    ]
)
_TEXTS = ("run", "started", "pocketbench", "commit", "cell", "network", "family", "format", "precision", "device")
_NUMBERS = ("latency", "latency_low", "latency_high", "cold", "load", "cpu", "p90", "p99", "disturbed_share", "noise")
_COUNTS = ("threads", "trials", "trials_planned", "samples", "peak_memory_bytes", "params", "macs")
CELLS = pa.schema(
    {
        **dict.fromkeys(
            (*_TEXTS, "cores", "clock", "unit", "verdict", "reasons", "weights", "sha256", "runtime"), pa.string()
        ),
        **dict.fromkeys((*_NUMBERS, "profiling_overhead", "delegated_share"), pa.float64()),
        **dict.fromkeys((*_COUNTS, "memory_access_bytes", "size_bytes"), pa.int64()),
        "quick": pa.bool_(),
        "record": pa.string(),  # the whole CellResult as JSON
    }.items()
)


def write_tables(evidence: Evidence) -> list[Path]:
    """Write samples.parquet, operators.parquet and cells.parquet beside the evidence.

    Raises StorageError when they cannot be written.
    """
    if evidence.folder is None:
        raise StorageError("this evidence has no folder")
    found = cell_evidence(evidence)
    tables = (
        samples_table(evidence.run, found),
        operators_table(evidence.run, found),
        cells_table(evidence, found),
    )
    paths = []
    for name, table in zip(NAMES, tables, strict=True):
        path = evidence.folder / f"{name}.parquet"
        with written_whole(path) as temporary:
            parquet.write_table(table, temporary, compression="zstd")
        paths.append(path)
    return paths


def samples_table(run: Run, found: Sequence[CellEvidence]) -> pa.Table:
    """One row a timed inference of a complete trial."""
    batches = []
    for cell in found:
        for reading in cell.complete:
            if reading.samples:
                samples = reading.samples
                count = len(samples.wall_ns)
                columns = [range(count), samples.wall_ns, samples.cpu_ns, samples.preemptions]
                batches.append(_batch(SAMPLES, run, cell, reading, count, columns))
    return pa.Table.from_batches(batches, SAMPLES)


def operators_table(run: Run, found: Sequence[CellEvidence]) -> pa.Table:
    """One row an operator of a profiled inference of a complete trial."""
    batches = []
    for cell in found:
        for reading in cell.complete:
            rows = [
                (inference, event.order, event.name, event.type, event.fast_path, duration)
                for event in (reading.ops.operators if reading.ops else ())
                for inference, duration in enumerate(event.durations_ns)
            ]
            if rows:
                batches.append(_batch(OPERATORS, run, cell, reading, len(rows), list(zip(*rows, strict=True))))
    return pa.Table.from_batches(batches, OPERATORS)


def _batch(
    schema: pa.Schema, run: Run, cell: CellEvidence, reading: Reading, count: int, columns: Sequence[Sequence[object]]
) -> pa.RecordBatch:
    identity = (run.id, cell.cell.id, cell.clock, reading.trial.block)
    values = [*([value] * count for value in identity), *columns]
    return pa.record_batch([pa.array(v, type=f.type) for v, f in zip(values, schema, strict=True)], schema=schema)


def cells_table(evidence: Evidence, found: Sequence[CellEvidence]) -> pa.Table:
    """One row a cell: scalars as columns, the reasons' codes joined by commas, and the whole record as JSON.

    `runtime` is the runtime with its version, as the trials' agents named it; several are joined by commas.
    """
    run = evidence.run
    rows = []
    for cell, behind in zip(cells(evidence), found, strict=True):
        record = cell.model_dump(mode="json")
        row = {name: record.get(name) for name in CELLS.names}
        latency = cell.latency
        row |= {
            "run": run.id,
            "started": run.started,
            "pocketbench": run.host.pocketbench,
            "commit": run.host.commit,
            "cell": cell.id,
            "latency": latency.median if latency else None,
            "latency_low": latency.low if latency else None,
            "latency_high": latency.high if latency else None,
            "sha256": cell.artifact.sha256,
            "runtime": _runtime(behind),
            "size_bytes": cell.artifact.size_bytes,
            "reasons": ",".join(reason.code for reason in cell.reasons),
            "record": json.dumps(record, sort_keys=True),
        }
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=CELLS)


def _runtime(cell: CellEvidence) -> str | None:
    names = {f"{one.hello.runtime} {one.hello.runtime_version}" for one in cell.readings if one.hello}
    return ", ".join(sorted(names)) or None
