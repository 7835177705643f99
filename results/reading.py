"""One trial's lines, sorted into their records: what every derivation starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foundation.errors import StorageError
from results.evidence import (
    Clock,
    Cold,
    Done,
    Failure,
    Hello,
    Loaded,
    Ops,
    Output,
    Samples,
    State,
    Trial,
    Warmup,
    lines_of,
)
from results.statistics import MIN_UNDISTURBED, middle


@dataclass(frozen=True)
class Reading:
    """What one trial returned; a record that never came is None."""

    trial: Trial
    hello: Hello | None = None
    before: State | None = None
    after: State | None = None
    loaded: Loaded | None = None
    cold: Cold | None = None
    warmup: Warmup | None = None
    samples: Samples | None = None
    ops: Ops | None = None
    output: Output | None = None
    done: Done | None = None
    failure: Failure | None = None

    @property
    def complete(self) -> bool:
        """Only the agent's last line proves it, whatever the exit status said."""
        return self.done is not None and self.samples is not None

    @cached_property
    def wall(self) -> NDArray[np.float64]:
        """All samples' wall times, in order, in clock units."""
        return np.array(self.samples.wall_ns if self.samples else (), dtype=np.float64)

    @cached_property
    def cpu(self) -> NDArray[np.float64]:
        """All samples' CPU times of all threads, in order, in clock units."""
        return np.array(self.samples.cpu_ns if self.samples else (), dtype=np.float64)

    @cached_property
    def undisturbed(self) -> NDArray[np.float64]:
        """Wall times of the samples without a preemption, in order."""
        if self.samples is None or not any(self.samples.preemptions):
            return self.wall
        quiet: NDArray[np.float64] = self.wall[np.array(self.samples.preemptions) == 0]
        return quiet

    @cached_property
    def ordered(self) -> NDArray[np.float64]:
        """Wall times of the samples without a preemption, sorted."""
        return np.sort(self.undisturbed)

    @cached_property
    def disturbed(self) -> int:
        """How many samples were disturbed."""
        return int(self.wall.size - self.undisturbed.size)

    def latency(self, clock: Clock) -> float | None:
        """The trial's figure in clock units.

        Nanoseconds: median of undisturbed samples, None below 10 of them unless the trial has no disturbed one.
        Instructions: the minimum (on a deterministic clock whatever is above it is the system's own work).
        """
        if not self.complete:
            return None
        if clock == "instructions":
            return float(self.wall.min())
        return None if self.crowded else self.undisturbed_median

    @property
    def crowded(self) -> bool:
        """Too few undisturbed samples to say anything of time."""
        return bool(self.disturbed) and self.undisturbed.size < MIN_UNDISTURBED

    @property
    def fastest(self) -> float | None:
        """The fastest undisturbed sample in clock units, under the same conditions as a latency: what the time gate
        compares, since it varies least from process to process (docs/trust.md)."""
        return None if not self.complete or self.crowded else float(self.ordered[0])

    @cached_property
    def undisturbed_median(self) -> float:
        """Median of undisturbed samples, in clock units."""
        return middle(self.ordered)


def read(trial: Trial) -> Reading:
    """Sort a trial's lines. Raises StorageError when the samples' lists differ in length."""
    found: dict[str, object] = {}
    for record in lines_of(trial):
        if record.kind == "state":
            found[record.when] = record
        else:
            found["failure" if record.kind == "error" else record.kind] = record
    reading = Reading(trial, **found)  # type: ignore[arg-type]
    samples = reading.samples
    if samples and not len(samples.wall_ns) == len(samples.cpu_ns) == len(samples.preemptions) > 0:
        raise StorageError(f"trial of {trial.cell}, block {trial.block}: its lists of samples differ in length")
    return reading
