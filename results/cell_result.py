"""What a cell's evidence says: its latency with an interval, its costs, and how far it may be trusted.

`results.derive.cells` makes these from evidence; tables, charts, reports and gates read only them.
"""

from __future__ import annotations

from typing import Literal

from foundation.artifact import Agreement, Format, Precision, Published
from foundation.record import Record
from results.accuracy import Score
from results.evidence import Clock

Unit = Literal["ms", "instructions"]
Verdict = Literal["valid", "suspect", "invalid"]


class Interval(Record):
    """A 95 % interval, in the unit of the figure it belongs to."""

    low: float
    high: float


class Estimate(Record):
    """A latency: the median over trials with its 95 % interval (DESIGN.md section 6).

    `low` and `high` are None where fewer than two trials gave a figure. For instructions `median`
    is the minimum, and the interval is the range of the trials' minima.
    """

    median: float
    low: float | None
    high: float | None
    unit: Unit


class Reason(Record):
    """Why a cell is not plainly valid. `value` and `threshold` are in the same unit, which the message names."""

    code: str
    value: float
    threshold: float
    message: str
    waived: bool = False


class ArtifactRef(Record):
    """The file that was measured."""

    sha256: str
    size_bytes: int


class TrialLatency(Record):
    """One complete trial's own figure: median of undisturbed samples (minimum, for instructions), or None."""

    block: int
    latency: float | None  # unit of the cell
    cpu: float  # median CPU time of an inference, all threads, all samples
    samples: int
    disturbed: int  # samples during which a thread of the agent was preempted


class CellResult(Record):
    """One cell, derived from its trials. Times are in `unit`: ms for nanoseconds, else instructions.

    `latency` is None where no trial gave one: the cell is INCOMPLETE or CONTENDED, and says so.
    `cold`, `load` and `cpu` are medians over trials; `load` is reading the file and building the session.
    """

    id: str
    network: str
    family: str
    format: Format
    precision: Precision
    device: str
    threads: int
    cores: str
    clock: Clock
    unit: Unit
    latency: Estimate | None
    cold: float | None
    cold_interval: Interval | None
    load: float | None
    load_interval: Interval | None
    peak_memory_bytes: int | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    trials: int  # complete ones
    trials_planned: int
    samples: int
    quick: bool  # one block of short trials: good for a look, not for a claim
    artifact: ArtifactRef
    params: int | None
    macs: int
    memory_access_bytes: int
    weights: Literal["pretrained", "random", "user"]
    published: Published | None  # the architecture's, from its paper: shown hollow and with its source
    agreement: Agreement | None
    accuracy: Score | None = None  # measured on the device with this very file
    disturbed_share: float | None  # of all samples
    noise: float | None  # coefficient of variation of undisturbed samples, median over trials
    p90: float | None  # tails are of all samples of all trials
    p99: float | None
    cpu: float | None
    cpu_interval: Interval | None
    profiling_overhead: float | None  # profiled median / latency - 1
    delegated_share: float | None
    trial_latencies: tuple[TrialLatency, ...]  # in block order
