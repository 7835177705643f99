"""Two runs side by side: each cell's ratio with its interval, and what changed operator by operator, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

from foundation.errors import UsageError
from foundation.record import Record
from results.alignment import onnx_name
from results.cell_result import CellResult, Unit
from results.derive import cell_evidence, cells
from results.operators import OperatorRow, operator_table
from results.statistics import Ratio, unpaired_ratio
from results.store import Evidence

Change = Literal["new", "gone", "another kernel", "left the fast path", "slower", "faster"]

MIN_CHANGE: Final = 0.05  # of an operator's time, before it is called slower or faster
MIN_SHARE: Final = 0.005  # of the cell's time: what is smaller is noise of the profiler
CLOCKS: Final = {"ms": "milliseconds", "instructions": "instructions"}


class OperatorChange(Record):
    """One operator that is not as it was. `before` and `after` are its times, in us or instructions; None: not there.

    `weight` is the change in time over the cell's profiled time before: what the list is sorted by.
    """

    change: Change
    operator: str
    type: str
    kernel_before: str | None
    kernel_after: str | None
    before: float | None
    after: float | None
    ratio: float | None
    weight: float


class CellComparison(Record):
    """One cell of both runs. `ratio` is B over A (1.03: B is 3 % slower), None where a side has no latency.

    Its interval says slower or faster only where it excludes 1. `only` names the side that alone has the cell.
    """

    cell: str
    network: str
    format: str
    precision: str
    unit: Unit
    only: Literal["A", "B"] | None
    a: float | None
    b: float | None
    ratio: float | None
    low: float | None
    high: float | None
    answer: Literal["slower", "faster", "no difference seen", "cannot tell"]
    verdict_a: str | None
    verdict_b: str | None
    reasons_a: tuple[str, ...]
    reasons_b: tuple[str, ...]
    operators: tuple[OperatorChange, ...]


def compare(a: Evidence, b: Evidence) -> list[CellComparison]:
    """All cells of both runs, the slowest-grown first; cells of one side only come last.

    Cells pair up by what they measure; their devices must match unless no device occurs in both runs. Raises
    UsageError when a run is empty, or the runs count in different clocks.
    """
    sides = [_Side(a, "A"), _Side(b, "B")]
    same_devices = bool(sides[0].devices & sides[1].devices)
    left, right = (side.keyed(same_devices) for side in sides)
    refuse_other_clock([cell for cell, _ in left.values()], [cell for cell, _ in right.values()])
    compared = []
    for key in [*left, *(key for key in right if key not in left)]:
        if key in left and key in right:
            compared.append(_pair(left[key], right[key]))
        else:
            side: Literal["A", "B"] = "A" if key in left else "B"
            compared.append(_single(left.get(key) or right[key], side))
    return sorted(compared, key=lambda cell: (cell.only is not None, -(cell.ratio or 0.0)))


def refuse_other_clock(a: Sequence[CellResult], b: Sequence[CellResult]) -> None:
    """Raises UsageError unless both sides count in the same clocks."""
    units = [sorted({CLOCKS[cell.unit] for cell in side}) for side in (a, b)]
    if units[0] != units[1]:
        raise UsageError(
            f"A counts {' and '.join(units[0])}, B counts {' and '.join(units[1])}; these are never compared",
            hint="compare runs of the same kind of device",
        )


class _Side:
    """One run: its cells and, when asked, their operators."""

    def __init__(self, evidence: Evidence, name: str) -> None:
        self.results = cells(evidence)
        self.operators = {cell.cell.id: cell for cell in cell_evidence(evidence)}
        self.devices = {cell.device for cell in self.results}
        if not any(cell.trials for cell in self.results):
            raise UsageError(f"run {name}, {evidence.run.id}, has no complete trial", hint="measure it again")

    def keyed(self, with_device: bool) -> dict[tuple[object, ...], tuple[CellResult, list[OperatorRow]]]:
        found: dict[tuple[object, ...], tuple[CellResult, list[OperatorRow]]] = {}
        for cell in self.results:
            key = (cell.network, cell.format, cell.precision, cell.threads, cell.device if with_device else "")
            found[key] = (cell, operator_table(self.operators[cell.id]))
        return found


def _pair(left: tuple[CellResult, list[OperatorRow]], right: tuple[CellResult, list[OperatorRow]]) -> CellComparison:
    (a, rows_a), (b, rows_b) = left, right
    ratio = ratio_of(a, b)
    return _comparison(a, a, b, None, ratio, tuple(operator_changes(rows_a, rows_b)))


def _single(one: tuple[CellResult, list[OperatorRow]], side: Literal["A", "B"]) -> CellComparison:
    cell = one[0]
    return _comparison(cell, cell if side == "A" else None, cell if side == "B" else None, side, None, ())


def _comparison(
    cell: CellResult,
    a: CellResult | None,
    b: CellResult | None,
    only: Literal["A", "B"] | None,
    ratio: Ratio | None,
    changes: tuple[OperatorChange, ...],
) -> CellComparison:
    return CellComparison(
        cell=cell.id,
        network=cell.network,
        format=cell.format,
        precision=cell.precision,
        unit=cell.unit,
        only=only,
        a=a.latency.median if a and a.latency else None,
        b=b.latency.median if b and b.latency else None,
        ratio=ratio.estimate if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        answer=_answer(ratio),
        verdict_a=a.verdict if a else None,
        verdict_b=b.verdict if b else None,
        reasons_a=tuple(reason.code for reason in a.reasons) if a else (),
        reasons_b=tuple(reason.code for reason in b.reasons) if b else (),
        operators=changes,
    )


def _answer(ratio: Ratio | None) -> Literal["slower", "faster", "no difference seen", "cannot tell"]:
    if ratio is None or ratio.low is None or ratio.high is None:
        return "cannot tell"
    return "slower" if ratio.low > 1.0 else "faster" if ratio.high < 1.0 else "no difference seen"


def ratio_of(a: CellResult, b: CellResult) -> Ratio | None:
    """B over A. In time: Welch's interval over trial figures; in instructions: the minima and their ranges."""
    if a.latency is None or b.latency is None:
        return None
    if a.unit == "instructions":
        blocks = min(a.trials, b.trials)
        estimate = b.latency.median / a.latency.median
        if None in (a.latency.low, a.latency.high, b.latency.low, b.latency.high):
            return Ratio(estimate, None, None, blocks)
        low, high = (b.latency.low or 0) / (a.latency.high or 1), (b.latency.high or 0) / (a.latency.low or 1)
        return Ratio(estimate, low, high, blocks)
    return unpaired_ratio(_figures(a), _figures(b))


def _figures(cell: CellResult) -> list[float]:
    return [trial.latency for trial in cell.trial_latencies if trial.latency is not None]


def operator_changes(a: Sequence[OperatorRow], b: Sequence[OperatorRow]) -> list[OperatorChange]:
    """What is new, gone, run by another kernel, off the fast path, slower or faster; the costliest first."""
    total = sum(row.time for row in a) or 1.0
    changes: list[OperatorChange] = []
    for before, after in paired(a, b):
        if before and after:
            if change := _changed(before, after, total):
                changes.append(change)
        elif before:
            changes.append(_one_sided("gone", before, total))
        elif after:
            changes.append(_one_sided("new", after, total))
    return sorted(changes, key=lambda change: -change.weight)


def paired(a: Sequence[OperatorRow], b: Sequence[OperatorRow]) -> list[tuple[OperatorRow | None, OperatorRow | None]]:
    """Operators of both sides by what they compute (type, MACs, bytes) in order, None where a side lacks one.

    Renaming every node changes nothing.
    """
    pairs: list[tuple[OperatorRow | None, OperatorRow | None]] = []
    matcher = SequenceMatcher(None, [_signature(row) for row in a], [_signature(row) for row in b], autojunk=False)
    for tag, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        if tag == "equal":
            pairs += zip(a[start_a:end_a], b[start_b:end_b], strict=True)
        else:
            pairs += [(row, None) for row in a[start_a:end_a]]
            pairs += [(None, row) for row in b[start_b:end_b]]
    return pairs


def _signature(row: OperatorRow) -> tuple[object, ...]:
    return row.operator_type or row.type, row.macs, row.bytes


def kernel(row: OperatorRow) -> str:
    """What ran: the runtime's own name without the node's."""
    if row.name.startswith(row.type):
        return row.name  # XNNPACK names its kernels
    return row.type + (" nchwc" if row.name != onnx_name(row.name) and "_nchwc" in row.name else "")


def _one_sided(change: Literal["new", "gone"], row: OperatorRow, total: float) -> OperatorChange:
    new = change == "new"
    return OperatorChange(
        change=change,
        operator=row.operator or row.name,
        type=row.operator_type or row.type,
        kernel_before=None if new else kernel(row),
        kernel_after=kernel(row) if new else None,
        before=None if new else row.time,
        after=row.time if new else None,
        ratio=None,
        weight=(row.time if new else -row.time) / total,
    )


def _changed(a: OperatorRow, b: OperatorRow, total: float) -> OperatorChange | None:
    weight = (b.time - a.time) / total
    change: Change | None = None
    if a.fast_path and not b.fast_path:
        change = "left the fast path"
    elif kernel(a) != kernel(b):
        change = "another kernel"
    elif abs(weight) >= MIN_SHARE and _apart(a, b):
        change = "slower" if weight > 0 else "faster"
    if change is None:
        return None
    return OperatorChange(
        change=change,
        operator=b.operator or b.name,
        type=b.operator_type or b.type,
        kernel_before=kernel(a),
        kernel_after=kernel(b),
        before=a.time,
        after=b.time,
        ratio=b.time / a.time if a.time else None,
        weight=weight,
    )


def _apart(a: OperatorRow, b: OperatorRow) -> bool:
    """By more than 5 %, and with intervals that do not touch where there are some."""
    if abs(b.time - a.time) <= MIN_CHANGE * a.time:
        return False
    if a.interval is None or b.interval is None:
        return a.unit == "instructions"
    return a.interval.high < b.interval.low or b.interval.high < a.interval.low
