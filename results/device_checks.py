"""Verdicts that come from the device's own state: heat, frequency, battery.

What a device does not tell raises nothing: an unreadable file is absent from the evidence, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from results.cell_result import Reason
from results.device_state.battery import parse_battery
from results.device_state.raspberry import Throttled, parse_throttled
from results.device_state.thermal import parse_thermalservice
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
    """The device says that it slows down for its heat or power, or its calibration kernel shows it.

    Android: a thermal status above 0 (none) before or after a trial. Raspberry Pi: throttle bits set now, or newly
    since boot during a trial. Any device: the calibration kernel took over 1.10 times its fastest of the run.
    """
    status = max((value for reading in readings for value in _thermal_statuses(reading)), default=0)
    if status > 0:
        message = f"Android's thermal status reached {status} (0 is none, 6 is shutdown)"
        return Reason(code="THROTTLED", value=status, threshold=0, message=message)
    limits = dict.fromkeys(limit for reading in readings for limit in _throttle_limits(reading))
    if limits:
        message = f"the firmware reports {', '.join(limits)}"
        return Reason(code="THROTTLED", value=len(limits), threshold=0, message=message)
    times = [time for reading in readings for state in (reading.before, reading.after) if (time := calibration(state))]
    if not times or baseline is None or max(times) / baseline <= MAX_SLOWDOWN:
        return None
    value = max(times) / baseline
    message = f"the fixed calibration kernel took {value:.2f} times its fastest"
    return Reason(code="THROTTLED", value=value, threshold=MAX_SLOWDOWN, message=message)


def _thermal_statuses(reading: Reading) -> Iterable[int]:
    for command, text in reading.trial.shell.items():
        if command.endswith("dumpsys thermalservice"):
            status = parse_thermalservice(text).status
            if status is not None:
                yield status


def _throttle_limits(reading: Reading) -> tuple[str, ...]:
    """What the Raspberry Pi's firmware limited during the trial, by the agent's file or by vcgencmd."""
    before, after = (_throttle_bits(reading, when) for when in ("before", "after"))
    return after.newly(before or after) if after else ()


def _throttle_bits(reading: Reading, when: str) -> Throttled | None:
    state = reading.before if when == "before" else reading.after
    files = state.files if state else {}
    texts = [text for path, text in files.items() if path.endswith("/get_throttled")]
    texts += [text for key, text in reading.trial.shell.items() if key == f"{when} vcgencmd get_throttled"]
    return next((bits for text in texts if (bits := parse_throttled(text))), None)


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
    told = {
        int(match[1]): int(text)
        for path, text in state.files.items()
        if (match := _CPUFREQ.search(path)) and match[2] == which and text.strip().isdigit()
    }
    return max((told[core] for core in cores(state.cores_allowed) if core in told), default=None) if told else None


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
    """Levels in percent, by Android's battery service and by the power supply of type Battery."""
    for command, text in reading.trial.shell.items():
        if command.endswith("dumpsys battery"):
            level = parse_battery(text).level_percent
            if level is not None:
                yield level
    for state in (reading.before, reading.after):
        for path, text in state.files.items() if state else ():
            kind = state.files.get(path.removesuffix("capacity") + "type", "") if state else ""
            if path.endswith("/capacity") and kind.strip() == "Battery" and text.strip().isdigit():
                yield int(text)
