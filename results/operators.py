"""The operator table of a cell: where its time goes, and what each operator computes and moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from statistics import median

from foundation.artifact import Artifact, Operator
from foundation.record import Record
from results.alignment import CONVOLUTIONS, MATMULS, align
from results.cell_result import Interval, Unit
from results.evidence import OperatorEvent, Ops
from results.statistics import median_with_interval
from results.verdicts import CellEvidence

ITEM_BYTES = {"float16": 2, "bfloat16": 2, "int16": 2, "uint16": 2, "int8": 1, "uint8": 1, "bool": 1}
ITEM_BYTES |= {"float64": 8, "int64": 8, "uint64": 8, "float32": 4, "int32": 4, "uint32": 4}


class OperatorRow(Record):
    """One operator of the graph that ran.

    `time` is the median over trials of each trial's median over profiled inferences, in microseconds or (the minima)
    in instructions; `share` is of the sum over operators. `operator` and `operator_type` name the file's operator
    that it was aligned with, and `operator_order` its index in the file; None where the runtime inserted it. `bytes`
    is the memory access cost (inputs + weights + outputs), None where nothing tells it. Rates are per second of real
    time and therefore None for instructions; `intensity` is MACs a byte.
    """

    order: int
    name: str
    type: str
    unit: Unit
    time: float
    interval: Interval | None
    median_us: float | None
    share: float
    macs: int
    bytes: int | None
    macs_per_second: float | None
    bytes_per_second: float | None
    intensity: float | None
    fast_path: bool
    operator: str | None
    operator_type: str | None
    operator_order: int | None


def operator_table(evidence: CellEvidence) -> list[OperatorRow]:
    """Operators of a cell in execution order; empty where nothing was profiled.

    Trials normally run the same graph; those that ran another one than most are left out.
    """
    graph, profiles = _majority([reading.ops for reading in evidence.complete if reading.ops])
    if not graph:
        return []
    matched = align(graph, evidence.artifact.operators)
    timed = evidence.timed
    scale = 1e-3 if timed else 1.0
    typical = median if timed else min
    times = [
        [float(typical(profile.operators[position].durations_ns)) * scale for profile in profiles]
        for position in range(len(graph))
    ]
    middle = [float(typical(each)) for each in times]
    total = sum(middle) or 1.0
    rows = []
    for event, operator, each, time in zip(graph, matched, times, middle, strict=True):
        macs = macs_of(event, operator)
        size = bytes_of(event, operator)
        seconds = time * 1e-6 if timed and time > 0 else None
        rows.append(
            OperatorRow(
                order=event.order,
                name=event.name,
                type=event.type,
                unit="ms" if timed else "instructions",
                time=time,
                interval=_interval(each) if timed else None,
                median_us=time if timed else None,
                share=time / total,
                macs=macs,
                bytes=size,
                macs_per_second=macs / seconds if seconds else None,
                bytes_per_second=size / seconds if seconds and size is not None else None,
                intensity=macs / size if size else None,
                fast_path=event.fast_path,
                operator=operator.name if operator else None,
                operator_type=operator.type if operator else None,
                operator_order=operator.order if operator else None,
            )
        )
    return rows


def unaligned_macs(rows: Sequence[OperatorRow], artifact: Artifact) -> int:
    """Multiply-accumulates of the file that no profiled operator was found for; 0 when the table is complete."""
    return artifact.macs - sum(row.macs for row in rows)


def macs_of(event: OperatorEvent, operator: Operator | None) -> int:
    """The file's own count, else from shapes.

    A convolution's MACs are its output height x width x number of weights, a matrix product's its output elements x
    the inner extent. The file's count comes first because blocked layouts pad channels.
    """
    if operator is not None:
        return operator.macs
    if len(event.shapes_in) < 2 or not event.shapes_out:
        return 0
    weights, output = event.shapes_in[1][1], event.shapes_out[0][1]
    if event.type in CONVOLUTIONS and len(weights) > 2:
        return prod(output[2:]) * prod(weights)
    if event.type in MATMULS and len(weights) == 2 and output[-1] in weights:
        return prod(output) * (prod(weights) // output[-1])
    return 0


def bytes_of(event: OperatorEvent, operator: Operator | None) -> int | None:
    """Bytes that one execution reads and writes: the file's tensors, else the shapes that ran, else unknown."""
    if operator is not None:
        return operator.memory_access_bytes
    if not event.shapes_out:
        return None
    return sum(ITEM_BYTES.get(dtype, 0) * prod(shape) for dtype, shape in (*event.shapes_in, *event.shapes_out))


def _majority(profiles: Sequence[Ops]) -> tuple[tuple[OperatorEvent, ...], list[Ops]]:
    """The graph that most trials ran, and the profiles that ran it."""
    graphs = [tuple(event.name for event in profile.operators) for profile in profiles]
    if not graphs:
        return (), []
    usual = Counter(graphs).most_common(1)[0][0]
    same = [profile for profile, graph in zip(profiles, graphs, strict=True) if graph == usual]
    return same[0].operators, same


def _interval(times: Sequence[float]) -> Interval | None:
    """Over trials; none where a clock too coarse for the operator shows zero."""
    if len(times) < 2 or min(times) <= 0.0:
        return None
    _, low, high = median_with_interval(times)
    return None if low is None or high is None else Interval(low=low, high=high)
