"""Verdicts that come from the device's own state: heat, frequency, battery.

What a device does not tell raises nothing: an unreadable file is absent from the evidence, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from results.cell_result import Reason
from results.evidence import State
from results.reading import Reading

MAX_SLOWDOWN: Final = 1.10  # calibration kernel against the device's fastest of the run
MAX_FREQUENCY_CHANGE: Final = 0.05
MIN_BATTERY: Final = 25  # percent

_CPUFREQ = re.compile(r"/cpu(\d+)/cpufreq/scaling_(cur|max)_freq$")


def calibration(state: State | None) -> float | None:
    """The fastest run of the calibration kernel in this state, in clock units."""
    return float(min(state.calibration_ns)) if state and state.calibration_ns else None


def throttled(readings: Sequence[Reading], baseline: float | None) -> Reason | None:
    """The calibration kernel ran slower than 1.10 times its fastest of the run, before or after a trial."""
    times = [time for reading in readings for state in (reading.before, reading.after) if (time := calibration(state))]
    if not times or baseline is None or max(times) / baseline <= MAX_SLOWDOWN:
        return None
    value = max(times) / baseline
    message = f"the fixed calibration kernel took {value:.2f} times its fastest"
    return Reason(code="THROTTLED", value=value, threshold=MAX_SLOWDOWN, message=message)


def frequency_changed(readings: Sequence[Reading]) -> Reason | None:
    """Frequencies of the cores in use right after each trial differ, or their upper limit moved during one."""
    after = [value for reading in readings if (value := frequency(reading.after, "cur"))]
    change = 1.0 - min(after) / max(after) if after else 0.0
    for reading in readings:
        limits = [limit for state in (reading.before, reading.after) if (limit := frequency(state, "max"))]
        if limits:
            change = max(change, 1.0 - min(limits) / max(limits))
    if change <= MAX_FREQUENCY_CHANGE:
        return None
    message = f"the cores' frequency or its limit differs by {change:.0%} between trials"
    return Reason(code="FREQUENCY_CHANGED", value=change, threshold=MAX_FREQUENCY_CHANGE, message=message)


def frequency(state: State | None, which: str) -> int | None:
    """Highest current (`cur`) or allowed (`max`) frequency in kHz over the cores the agent was kept to."""
    if state is None:
        return None
    allowed = set(cores(state.cores_allowed))
    values = []
    for path, text in state.files.items():
        match = _CPUFREQ.search(path)
        if match and match[2] == which and int(match[1]) in allowed and text.strip().isdigit():
            values.append(int(text))
    return max(values, default=None)


def cores(text: str) -> Iterable[int]:
    """Cores of a list such as "0-3,6"."""
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit():
            yield from range(int(first), int(last or first) + 1)


def low_battery(readings: Sequence[Reading]) -> Reason | None:
    """The battery's level at its lowest."""
    levels = [level for reading in readings for level in battery_levels(reading)]
    if not levels or min(levels) >= MIN_BATTERY:
        return None
    message = f"battery at {min(levels)} %; many phones slow down when it is low"
    return Reason(code="LOW_BATTERY", value=min(levels), threshold=MIN_BATTERY, message=message)


def battery_levels(reading: Reading) -> Iterable[int]:
    """Levels in percent that the power supply of type Battery showed to the agent."""
    for state in (reading.before, reading.after):
        for path, text in state.files.items() if state else ():
            kind = state.files.get(path.removesuffix("capacity") + "type", "") if state else ""
            if path.endswith("/capacity") and kind.strip() == "Battery" and text.strip().isdigit():
                yield int(text)
