"""Is the candidate slower than its baseline? Pure decisions; `bench check` measures and reports.

Instructions are compared with the baseline's own. Times are compared only within one run that measured both sides
interleaved, block by block, by each trial's fastest undisturbed inference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from foundation.errors import UsageError
from foundation.record import Record
from results.baseline import Baseline, BaselineCell, environment, measured_cells
from results.cell_result import CellResult
from results.compare import CLOCKS, OperatorChange, operator_changes, paired
from results.derive import UNITS, cell_evidence, cells
from results.statistics import Decision, block_ratio, decide
from results.store import Evidence
from results.verdicts import CellEvidence


class Limits(Record):
    """Growth that is still allowed, as shares (0.01: 1 %). `operator_floor` is a share of the cell: what is smaller is
    the profiler's grain. A slowdown in time must exceed both `time` and `time_floor_ms`."""

    cell: float = 0.01
    operator: float = 0.03
    operator_floor: float = 0.002
    size: float = 0.01
    macs: float = 0.001
    bytes: float = 0.01
    time: float = 0.015
    time_floor_ms: float = 0.02


class Finding(Record):
    """One thing that was checked. `ratio` is candidate over baseline; None where one side has no figure."""

    decision: Decision
    cell: str
    what: str  # instructions, operator, latency, size, MACs, memory access cost, evidence
    operator: str | None
    before: float | None
    after: float | None
    ratio: float | None
    low: float | None
    high: float | None
    limit: float | None
    message: str


class GateReport(Record):
    """The answer and everything it rests on, failures first."""

    decision: Decision
    baseline: str
    candidate: str
    findings: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        """One line; a FAIL names the network, the operator and the ratio."""
        if self.decision == "PASS":
            cells = len({finding.cell for finding in self.findings})
            return f"PASS: {cells} cells are within their limits"
        return f"{self.decision}: {next(f for f in self.findings if f.decision == self.decision).message}"


ORDER: Final = {"FAIL": 0, "INCONCLUSIVE": 1, "PASS": 2}


def check_instructions(baseline: Baseline, evidence: Evidence, limits: Limits) -> GateReport:
    """A run on the emulated board against a baseline of the same board.

    Raises UsageError, saying what differs, for another clock, CPU, qemu or runtime, and for an empty run.
    """
    _refuse_clock(baseline, evidence)
    refuse_environment(baseline, evidence)
    results = cells(evidence)
    measured = {one.name: (one, result) for one, result in zip(measured_cells(evidence, results), results, strict=True)}
    findings: list[Finding] = []
    for before in baseline.cells:
        if before.name not in measured:
            findings.append(_unknown(before.name, "it is in the baseline and was not measured"))
            continue
        after, result = measured[before.name]
        findings += _static(before, after, limits, _largest_new(before, after))
        if trouble := _trouble(before.name, result):
            findings.append(trouble)
        else:
            findings += _counted(before, after, limits)
    known = {cell.name for cell in baseline.cells}
    for name in measured.keys() - known:
        findings.append(_unknown(name, "the baseline does not have it; save a new baseline"))
    return _report(baseline, evidence.run.id, findings)


def check_times(
    baseline: Baseline, runs: Sequence[Evidence], candidates: Mapping[str, str], limits: Limits
) -> GateReport:
    """Runs that measured the baseline's files and the candidate's interleaved; their blocks are pooled.

    `candidates` maps a baseline cell's name to the SHA-256 of the candidate's file; where it is the baseline's own
    file nothing needs to be measured. Raises UsageError for another clock and for an empty run.
    """
    for evidence in runs:
        _refuse_clock(baseline, evidence)
    by_file = [
        {(result.artifact.sha256, result.threads): (result, found) for result, found in _both(evidence)}
        for evidence in runs
    ]
    findings: list[Finding] = []
    for before in baseline.cells:
        sha256 = candidates.get(before.name)
        if sha256 == before.sha256:
            message = f"{before.name}: the same file as the baseline's"
            findings.append(_finding("PASS", before.name, "latency", None, None, None, None, message))
            continue
        old = [found[key] for found in by_file if (key := (before.sha256, before.threads)) in found]
        new = [found[key] for found in by_file if sha256 and (key := (sha256, before.threads)) in found]
        if not runs or len(old) < len(runs) or len(new) < len(runs):
            side = "candidate" if old else "baseline"
            findings.append(_unknown(before.name, f"the {side}'s file was not measured"))
            continue
        findings += _static(before, _as_measured(new[0][0]), limits)
        wrong = next((finding for cell, _ in new if (finding := _wrong_output(before.name, cell))), None)
        blocks = [pair for (_, one), (_, two) in zip(old, new, strict=True) for pair in _blocks(one, two)]
        findings.append(wrong or _timed(before.name, blocks, limits))
    return _report(baseline, runs[-1].run.id if runs else "not measured", findings)


def _both(evidence: Evidence) -> Iterator[tuple[CellResult, CellEvidence]]:
    return zip(cells(evidence), cell_evidence(evidence), strict=True)


def _timed(name: str, pairs: Sequence[tuple[float, float]], limits: Limits) -> Finding:
    if not pairs:
        return _unknown(name, "no block has an undisturbed latency of both sides")
    before, after = float(np.median([a for a, _ in pairs])), float(np.median([b for _, b in pairs]))
    ratio = block_ratio([a for a, _ in pairs], [b for _, b in pairs])
    limit = 1.0 + max(limits.time, limits.time_floor_ms / before)
    interval = "no interval" if ratio.low is None else f"{ratio.low:.3f} - {ratio.high:.3f}"
    found = f"fastest inference x {ratio.estimate:.3f} ({interval} over {ratio.blocks} blocks, limit {limit:.3f})"
    return Finding(
        decision=decide(ratio, before, limits.time, limits.time_floor_ms),
        cell=name,
        what="latency",
        operator=None,
        before=before,
        after=after,
        ratio=ratio.estimate,
        low=ratio.low,
        high=ratio.high,
        limit=limit,
        message=f"{name}: {found}",
    )


def _blocks(old: CellEvidence, new: CellEvidence) -> list[tuple[float, float]]:
    """The fastest undisturbed inference of both sides, in ms, in each block that has both."""
    figures = {reading.trial.block: reading.fastest for reading in old.complete}
    both = [(figures.get(reading.trial.block), reading.fastest) for reading in new.complete]
    return [(a * 1e-6, b * 1e-6) for a, b in both if a is not None and b is not None]


def _counted(before: BaselineCell, after: BaselineCell, limits: Limits) -> list[Finding]:
    """Instructions of the cell and of each operator, and operators that left the fast path."""
    if not before.instructions or not after.instructions:
        return [_unknown(before.name, "a side has no instruction count")]
    changes = operator_changes(before.operators, after.operators)
    ratio = after.instructions / before.instructions
    worst = next((change for change in changes if change.weight > 0), None)
    grown = ratio > 1.0 + limits.cell
    where = f", most in {_named(worst)}" if worst and grown else ""
    message = f"{before.name}: instructions x {ratio:.4f} (limit {1 + limits.cell:.3f}){where}"
    found = [
        _finding(
            "FAIL" if grown else "PASS", before.name, "instructions", worst.operator if worst and grown else None,
            before.instructions, after.instructions, 1 + limits.cell, message,
        )
    ]  # fmt: skip
    found += _off_fast_path(before, after)
    for old, new in paired(before.operators, after.operators):
        if old is None or new is None:
            continue
        growth = new.time - old.time
        if growth > limits.operator * old.time and growth > limits.operator_floor * before.instructions:
            message = f"{before.name}: {new.operator or new.name} ({new.name}) x {new.time / old.time:.3f}"
            message += f" (limit {1 + limits.operator:.3f})"
            found.append(
                _finding(
                    "FAIL", before.name, "operator", new.operator or new.name, old.time, new.time,
                    1 + limits.operator, message,
                )
            )  # fmt: skip
    return found


def _off_fast_path(before: BaselineCell, after: BaselineCell) -> list[Finding]:
    """Operators that run outside the delegate or provider and did not before."""
    allowed = Counter(row.type for row in before.operators if not row.fast_path)
    found = []
    for row in after.operators:
        if row.fast_path:
            continue
        if allowed[row.type] > 0:
            allowed[row.type] -= 1
            continue
        message = f"{before.name}: {row.operator or row.name} ({row.type}) runs off the fast path, new"
        found.append(_finding("FAIL", before.name, "operator", row.operator or row.name, None, row.time, None, message))
    return found


def _largest_new(before: BaselineCell, after: BaselineCell) -> str | None:
    """The operator with most MACs that the baseline does not have."""
    new = [row for old, row in paired(before.operators, after.operators) if old is None and row is not None]
    largest = max(new, key=lambda row: (row.macs, row.bytes or 0), default=None)
    return None if largest is None else largest.operator or largest.name


def _static(before: BaselineCell, after: BaselineCell, limits: Limits, largest_new: str | None = None) -> list[Finding]:
    """File size, MACs and memory access cost; growth is blamed on the largest new operator where one is known."""
    found = []
    for what, old, new, allowed in (
        ("size", before.size_bytes, after.size_bytes, limits.size),
        ("MACs", before.macs, after.macs, limits.macs),
        ("memory access cost", before.memory_access_bytes, after.memory_access_bytes, limits.bytes),
    ):
        ratio = new / old if old else (1.0 if not new else float(new))
        decision: Decision = "FAIL" if ratio > 1.0 + allowed else "PASS"
        message = f"{before.name}: {what} x {ratio:.4f} ({old:,} to {new:,}, limit {1 + allowed:.3f})"
        blamed = largest_new if decision == "FAIL" else None
        message += f", new: {blamed}" if blamed else ""
        found.append(_finding(decision, before.name, what, blamed, old, new, 1 + allowed, message))
    return found


def _trouble(name: str, result: CellResult) -> Finding | None:
    if wrong := _wrong_output(name, result):
        return wrong
    if result.verdict == "invalid" or result.latency is None:
        reason = next((reason for reason in result.reasons if not reason.waived), None)
        return _unknown(name, f"{reason.code}: {reason.message}" if reason else "no figure")
    return None


def _wrong_output(name: str, result: CellResult) -> Finding | None:
    for reason in result.reasons:
        if reason.code == "OUTPUT_MISMATCH" and not reason.waived:
            message = f"{name}: {reason.message}"
            return _finding("FAIL", name, "evidence", None, None, reason.value, reason.threshold, message)
    return None


def _as_measured(cell: CellResult) -> BaselineCell:
    return BaselineCell(
        network=cell.network,
        format=cell.format,
        precision=cell.precision,
        threads=cell.threads,
        sha256=cell.artifact.sha256,
        size_bytes=cell.artifact.size_bytes,
        macs=cell.macs,
        memory_access_bytes=cell.memory_access_bytes,
        instructions=None,
        operators=(),
    )


def _named(change: OperatorChange) -> str:
    ratio = f"x {change.ratio:.2f}" if change.ratio is not None else change.change
    return f"{change.operator} ({change.kernel_after or change.type}), {ratio}"


def _unknown(name: str, why: str) -> Finding:
    return _finding("INCONCLUSIVE", name, "evidence", None, None, None, None, f"{name}: {why}")


def _finding(
    decision: Decision,
    cell: str,
    what: str,
    operator: str | None,
    before: float | None,
    after: float | None,
    limit: float | None,
    message: str,
) -> Finding:
    return Finding(
        decision=decision,
        cell=cell,
        what=what,
        operator=operator,
        before=before,
        after=after,
        ratio=after / before if before and after is not None else None,
        low=None,
        high=None,
        limit=limit,
        message=message,
    )


def _report(baseline: Baseline, candidate: str, findings: Sequence[Finding]) -> GateReport:
    if not findings:
        raise UsageError(
            f"baseline {baseline.run} has no cell", hint="save it again from a run that measured something"
        )
    ordered = sorted(findings, key=lambda finding: (ORDER[finding.decision], _rank(finding)))
    return GateReport(decision=ordered[0].decision, baseline=baseline.run, candidate=candidate, findings=tuple(ordered))


def _rank(finding: Finding) -> tuple[bool, int, float]:
    """What names an operator first, then what was measured before what was counted in the file, by its growth."""
    measured = {"instructions": 0, "latency": 0, "operator": 1}
    return finding.operator is None, measured.get(finding.what, 2), -(finding.ratio or 0.0)


def _refuse_clock(baseline: Baseline, evidence: Evidence) -> None:
    clocks = {device.clock for device in evidence.run.devices}
    if clocks != {baseline.clock}:
        words = " and ".join(CLOCKS[UNITS[clock]] for clock in sorted(clocks))
        raise UsageError(
            f"the baseline counts {CLOCKS[UNITS[baseline.clock]]}, run {evidence.run.id} counts {words}",
            hint="check on the kind of device that made the baseline",
        )
    if not any(cell.trials for cell in cells(evidence)):
        raise UsageError(f"run {evidence.run.id} has no complete trial", hint="measure it again")


def refuse_environment(baseline: Baseline, evidence: Evidence) -> None:
    """Raises UsageError naming everything of the environment that differs."""
    now = environment(evidence)
    differing = [
        f"{key} was {baseline.environment.get(key, 'absent')}, is {now.get(key, 'absent')}"
        for key in sorted(baseline.environment.keys() | now.keys())
        if baseline.environment.get(key) != now.get(key)
    ]
    if differing:
        raise UsageError(
            "instruction counts cannot be compared: " + "; ".join(differing),
            hint="measure with the same, or save a new baseline",
        )
