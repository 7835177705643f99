"""Verdict codes: each a pure function of a cell's evidence, its threshold stored beside the result.

`docs/verdicts.md` says what each means and what to do. A rule that compares noisy figures asks for its threshold
*and* for significance, so that all codes together stay silent on at least 99 % of stationary cells
(benchmarks/verdict_rates.py).
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from foundation.artifact import Artifact, Parity
from foundation.errors import UsageError
from results.cell_result import Reason, Verdict
from results.device_checks import frequency_changed, low_battery, throttled
from results.evidence import Cell, Clock
from results.reading import Reading
from results.statistics import coefficient_of_variation, half_log_ratio, median, otsu_split, student_t, widest_gap


@dataclass(frozen=True)
class CellEvidence:
    """Everything a verdict may look at. `readings` has one entry a block: the last trial made for it.

    `calibration_baseline` is the device's fastest calibration kernel of the run, in clock units.
    """

    cell: Cell
    artifact: Artifact
    clock: Clock
    planned: int
    readings: tuple[Reading, ...]
    calibration_baseline: float | None = None

    @cached_property
    def complete(self) -> list[Reading]:
        """Trials that ended with their last line."""
        return [reading for reading in self.readings if reading.complete]

    @cached_property
    def noise(self) -> float | None:
        """Median over trials of the coefficient of variation of undisturbed samples."""
        if not self.timed:
            return None
        values = [coefficient_of_variation(reading.undisturbed) for reading in self.complete]
        known = [value for value in values if value is not None]
        return median(known) if known else None

    @cached_property
    def disturbed_share(self) -> float | None:
        """Disturbed samples over all samples of complete trials."""
        total = sum(reading.wall.size for reading in self.complete)
        return sum(reading.disturbed for reading in self.complete) / total if total else None

    @property
    def timed(self) -> bool:
        """Real time, where noise means something; on the deterministic clock it does not."""
        return self.clock == "nanoseconds"


Check = Callable[[CellEvidence], Reason | None]

MIN_SAMPLES: Final = 10  # a trial, on a real clock
MIN_INSTRUCTION_SAMPLES: Final = 2
MAX_NOISE: Final = 0.10
MAX_DRIFT: Final = 0.03
DRIFT_SIGNIFICANCE: Final = 0.001
MIN_SEPARABILITY: Final = 0.80  # two equal normal modes four standard deviations apart
MIN_MODE_SHARE: Final = 0.15
MIN_MODE_GAP: Final = 0.05
MAX_DISTURBED: Final = 0.20
MAX_TRIAL_SPREAD: Final = 0.05
MAX_INSTRUCTION_SPREAD: Final = 0.001
MAX_OPS_GAP: Final = 0.10
# An output's distance from the float network's, on the fixed input: no file of trained weights may be farther than
# this, and none farther than it was on the host that exported it by more than the margin, which is for the other
# order in which another processor's kernels add. docs/accuracy.md has what was measured.
MIN_SQNR_DB: Final = {"fp32": 60.0, "fp16": 30.0, "int8": 8.0}
SQNR_MARGIN_DB: Final = {"fp32": 40.0, "fp16": 10.0, "int8": 3.0}


def incomplete(evidence: CellEvidence) -> Reason | None:
    """Trials that were planned and did not end."""
    done = len(evidence.complete)
    if done >= evidence.planned:
        return None
    causes = Counter(cause(reading) for reading in evidence.readings if not reading.complete)
    text = "; ".join(f"{name} ({count}x)" if count > 1 else name for name, count in causes.most_common())
    message = f"{done} of {evidence.planned} trials ended" + (f": {text}" if text else "; the run was cut short")
    return Reason(code="INCOMPLETE", value=done, threshold=evidence.planned, message=message)


def cause(reading: Reading) -> str:
    """Why a trial did not end, in the words of whoever saw it best: the agent, the host, the system."""
    if reading.failure:
        return f"{reading.failure.code}: {reading.failure.message}"
    if reading.trial.signal:
        return f"the agent was ended by {reading.trial.signal}"
    if reading.trial.error:
        return reading.trial.error
    if reading.trial.exit_status is None:
        return "the device was lost"
    return f"the agent stopped with status {reading.trial.exit_status} before its last line"


def few_samples(evidence: CellEvidence) -> Reason | None:
    """Too few samples in a trial for a median to mean much."""
    least = MIN_SAMPLES if evidence.timed else MIN_INSTRUCTION_SAMPLES
    counts = [reading.wall.size for reading in evidence.complete]
    if not counts or min(counts) >= least:
        return None
    message = f"a trial has only {min(counts)} samples, {least} are needed"
    return Reason(code="FEW_SAMPLES", value=min(counts), threshold=least, message=message)


def not_warm(evidence: CellEvidence) -> Reason | None:
    """Trials whose warm-up never became steady."""
    if not evidence.timed:
        return None
    restless = sum(reading.warmup is not None and not reading.warmup.steady for reading in evidence.complete)
    if not restless:
        return None
    message = f"{restless} of {len(evidence.complete)} trials were timed before latency was steady"
    return Reason(code="NOT_WARM", value=restless, threshold=0, message=message)


def noisy(evidence: CellEvidence) -> Reason | None:
    """Coefficient of variation of undisturbed samples, the median trial's."""
    noise = evidence.noise
    if noise is None or noise <= MAX_NOISE:
        return None
    message = f"undisturbed samples vary by {noise:.1%} (standard deviation over mean)"
    return Reason(code="NOISY", value=noise, threshold=MAX_NOISE, message=message)


def drift(evidence: CellEvidence) -> Reason | None:
    """Second half against first half of each trial: more than 3 % apart *and* significantly so.

    Each half is cut into four stretches; their medians' logarithms give a two-sample t statistic pooled over
    trials, which noise that comes in bursts shorter than a stretch does not fool.
    """
    if not evidence.timed:
        return None
    trials = [reading.undisturbed for reading in evidence.complete if reading.undisturbed.size >= 2 * MIN_SAMPLES]
    if not trials:
        return None
    value = math.exp(median([half_log_ratio(samples) for samples in trials])) - 1.0
    if abs(value) <= MAX_DRIFT or not _halves_differ(trials):
        return None
    message = f"latency {'rises' if value > 0 else 'falls'} by {abs(value):.1%} from the first to the second half"
    return Reason(code="DRIFT", value=value, threshold=MAX_DRIFT, message=message)


def _halves_differ(trials: Sequence[np.ndarray]) -> bool:
    stretches = 8
    half = stretches // 2
    even = [trial[: trial.size // stretches * stretches].reshape(stretches, -1) for trial in trials]
    logs = np.log([np.median(parts, axis=1) for parts in even])
    first, second = logs[:, :half], logs[:, half:]
    difference = (second.mean(axis=1) - first.mean(axis=1)).mean()
    degrees = len(trials) * (stretches - 2)
    variance = float((first.var(axis=1).sum() + second.var(axis=1).sum()) * half) / degrees
    error = math.sqrt(variance * (2.0 / half) / len(trials))
    return bool(abs(difference) > student_t(1 - DRIFT_SIGNIFICANCE / 2, degrees) * error)


def bimodal(evidence: CellEvidence) -> Reason | None:
    """Undisturbed samples of most trials fall into two groups, at least 5 % apart and each at least 15 % of them.

    Separability by Otsu's split (results.statistics.otsu_split): skew and tails stay below 0.75.
    """
    if not evidence.timed:
        return None
    trials = [reading.ordered for reading in evidence.complete if reading.undisturbed.size >= 2 * MIN_SAMPLES]
    # Most trials are too narrow for two groups so far apart, which is cheaper to see than the best split.
    splits = [otsu_split(ordered) for ordered in trials if widest_gap(ordered, MIN_MODE_SHARE) > 0.99 * MIN_MODE_GAP]
    apart = [s for s in splits if s[0] > MIN_SEPARABILITY and s[1] >= MIN_MODE_SHARE and s[2] >= MIN_MODE_GAP]
    if not apart or 2 * len(apart) < len(trials):
        return None
    separability, gap = median([s[0] for s in apart]), median([s[2] for s in apart])
    message = f"samples fall into two groups {gap:.0%} apart"
    return Reason(code="BIMODAL", value=separability, threshold=MIN_SEPARABILITY, message=message)


def contended(evidence: CellEvidence) -> Reason | None:
    """Share of samples during which something else took a core of the agent."""
    share = evidence.disturbed_share
    if not evidence.timed or share is None or share <= MAX_DISTURBED:
        return None
    message = f"another process interrupted {share:.0%} of the inferences"
    return Reason(code="CONTENDED", value=share, threshold=MAX_DISTURBED, message=message)


def trials_disagree(evidence: CellEvidence) -> Reason | None:
    """Standard deviation of the trials' figures over their mean."""
    values = [value for reading in evidence.complete if (value := reading.latency(evidence.clock)) is not None]
    spread = coefficient_of_variation(values)
    limit = MAX_TRIAL_SPREAD if evidence.timed else MAX_INSTRUCTION_SPREAD
    if spread is None or spread <= limit:
        return None
    message = f"trials vary by {spread:.1%} among themselves (standard deviation over mean)"
    return Reason(code="TRIALS_DISAGREE", value=spread, threshold=limit, message=message)


def ops_mismatch(evidence: CellEvidence) -> Reason | None:
    """Sum of the operators' times against the profiled inference they belong to, the median trial's."""
    gaps = []
    for reading in evidence.complete:
        if reading.ops is None or not reading.ops.operators:
            continue
        sums = np.sum([operator.durations_ns for operator in reading.ops.operators], axis=0)
        gaps.append(median(sums / np.array(reading.ops.wall_ns, dtype=np.float64)) - 1.0)
    gap = median(gaps) if gaps else 0.0
    if abs(gap) <= MAX_OPS_GAP:
        return None
    message = f"operators sum to {1 + gap:.0%} of the profiled inference"
    return Reason(code="OPS_MISMATCH", value=gap, threshold=MAX_OPS_GAP, message=message)


def output_mismatch(evidence: CellEvidence) -> Reason | None:
    """Outputs of one thread differ between trials, or stray from what the float network says to the same input."""
    outputs = [reading.output for reading in evidence.complete if reading.output]
    digests = len({output.digest for output in outputs})
    if evidence.cell.threads == 1 and digests > 1:
        message = f"the same input gave {digests} different outputs"
        return Reason(code="OUTPUT_MISMATCH", value=digests, threshold=1, message=message)
    values = next((output.values for output in outputs if output.values), None)
    parity = evidence.artifact.parity
    if values is None or parity is None:
        return None
    value, limit = sqnr_db(recorded_outputs(parity), values), parity_limit(evidence.artifact, parity)
    if value >= limit:
        return None
    precision = evidence.cell.precision
    message = f"output is {value:.1f} dB from the float network's; {limit:.1f} dB are expected of this {precision} file"
    return Reason(code="OUTPUT_MISMATCH", value=value, threshold=limit, message=message)


def recorded_outputs(parity: Parity) -> np.ndarray:
    """The float network's first output for the fixed input."""
    return np.frombuffer(base64.b64decode(parity.outputs), dtype="<f4")


def parity_limit(artifact: Artifact, parity: Parity) -> float:
    """SQNR in dB below which an artifact's output counts as wrong.

    Random weights compute nothing that int8 could ruin, so their files are held only to what they were at export.
    """
    limit = parity.sqnr_db - SQNR_MARGIN_DB[artifact.precision]
    return limit if artifact.weights.kind == "random" else max(limit, MIN_SQNR_DB[artifact.precision])


def sqnr_db(reference: ArrayLike, values: ArrayLike) -> float:
    """10 log10(signal power / error power), kept within 300 dB: equal outputs give 300, incomparable ones -300."""
    signal, other = np.asarray(reference, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if signal.shape != other.shape:
        return -300.0
    error, power = float(((signal - other) ** 2).sum()), float((signal**2).sum())
    if error == 0.0:
        return 300.0
    if not power > 0.0 or not math.isfinite(error):
        return -300.0
    return min(300.0, max(-300.0, 10.0 * math.log10(power / error)))


def not_delegated(evidence: CellEvidence) -> Reason | None:
    """Operators that ran outside the delegate or provider, beyond those the artifact is known to leave outside."""
    expected = len(evidence.artifact.delegation.undelegated) if evidence.artifact.delegation else 0
    outside: list[str] = []
    for reading in evidence.complete:
        if reading.ops:
            types = [operator.type for operator in reading.ops.operators if not operator.fast_path]
            outside = max(outside, types, key=len)
    if len(outside) <= expected:
        return None
    names = ", ".join(f"{name} ({count}x)" for name, count in Counter(outside).most_common(4))
    message = f"{len(outside)} operators ran outside the fast path, {expected} expected: {names}"
    return Reason(code="NOT_DELEGATED", value=len(outside), threshold=expected, message=message)


def emulated(evidence: CellEvidence) -> Reason | None:
    """Instructions of an emulated board: they show a slower operator, they are not latency."""
    if evidence.timed:
        return None
    message = "counted in instructions on an emulated board; not a latency"
    return Reason(code="EMULATED", value=1, threshold=0, message=message)


def _throttled(evidence: CellEvidence) -> Reason | None:
    return throttled(evidence.complete, evidence.calibration_baseline) if evidence.timed else None


def _frequency_changed(evidence: CellEvidence) -> Reason | None:
    return frequency_changed(evidence.complete) if evidence.timed else None


def _low_battery(evidence: CellEvidence) -> Reason | None:
    return low_battery(evidence.complete) if evidence.timed else None


CHECKS: Final[dict[str, Check]] = {
    "INCOMPLETE": incomplete,
    "OUTPUT_MISMATCH": output_mismatch,
    "FEW_SAMPLES": few_samples,
    "CONTENDED": contended,
    "NOT_WARM": not_warm,
    "NOISY": noisy,
    "DRIFT": drift,
    "BIMODAL": bimodal,
    "THROTTLED": _throttled,
    "FREQUENCY_CHANGED": _frequency_changed,
    "LOW_BATTERY": _low_battery,
    "TRIALS_DISAGREE": trials_disagree,
    "OPS_MISMATCH": ops_mismatch,
    "NOT_DELEGATED": not_delegated,
    "EMULATED": emulated,
}
INVALID: Final = frozenset({"INCOMPLETE", "OUTPUT_MISMATCH", "FEW_SAMPLES"})


def check_waivers(codes: Sequence[str]) -> None:
    """Raises UsageError for a code that does not exist."""
    unknown = [code for code in codes if code not in CHECKS]
    if unknown:
        raise UsageError(f"no verdict code {unknown[0]}", hint=f"one of {', '.join(CHECKS)}")


def judge(evidence: CellEvidence, waived: Sequence[str] = ()) -> tuple[Verdict, tuple[Reason, ...]]:
    """All reasons that apply, and the verdict of those that were not waived.

    CONTENDED cannot be waived into a latency that does not exist: a waiver changes the verdict, never a number.
    """
    found = [reason for check in CHECKS.values() if (reason := check(evidence))]
    reasons = tuple(reason.model_copy(update={"waived": reason.code in waived}) for reason in found)
    active = {reason.code for reason in reasons if not reason.waived}
    if active & INVALID:
        return "invalid", reasons
    return ("suspect" if active else "valid"), reasons
