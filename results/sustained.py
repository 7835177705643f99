"""Sustained latency: what a cell does minute by minute, and when it leaves what the first minute showed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from foundation.record import Record
from results.device_checks import frequency
from results.device_state.thermal import hottest, zones
from results.evidence import Clock
from results.reading import Reading
from results.statistics import median_with_interval


class Minute(Record):
    """The trials that began in one minute. `median` in ms, or millions of instructions, None where no trial has a
    latency (all were disturbed); `low` and `high` are the 95 % interval of the minute's trials, None below two.
    Temperature of the hottest zone, frequency of the fastest allowed core; None where the device does not tell."""

    minute: int
    trials: int
    median: float | None
    low: float | None
    high: float | None
    celsius: float | None
    gigahertz: float | None


class Course(Record):
    """A cell's minutes in order. `left_at`: the first minute whose own interval lies wholly outside the first
    minute's, None when none does. `comparable`: later minutes that could be held against the first one, because both
    have an interval; without any, nothing is known."""

    minutes: tuple[Minute, ...]
    left_at: int | None
    comparable: int


def course(readings: Sequence[Reading], clock: Clock) -> Course:
    """Readings of one cell by the minute, counted from the first trial by the host's clock (a phone's may jump)."""
    starts = [(datetime.fromisoformat(reading.trial.started).timestamp(), reading) for reading in readings]
    begin = min((start for start, _ in starts), default=0.0)
    sorted_in: dict[int, list[Reading]] = {}
    for start, reading in sorted(starts, key=lambda pair: pair[0]):
        sorted_in.setdefault(int((start - begin) / 60), []).append(reading)
    minutes = tuple(_minute(number, members, clock) for number, members in sorted_in.items())
    outside = _outside(minutes)
    left_at = next((minute for minute, out in outside.items() if out), None)
    return Course(minutes=minutes, left_at=left_at, comparable=len(outside))


def _minute(number: int, readings: Sequence[Reading], clock: Clock) -> Minute:
    latencies = [latency * 1e-6 for reading in readings if (latency := reading.latency(clock)) is not None]
    median, low, high = median_with_interval(latencies) if latencies else (None, None, None)
    heat = [degrees for reading in readings if reading.after and (degrees := hottest(zones(reading.after.files)))]
    speeds = [kilohertz / 1e6 for reading in readings if (kilohertz := frequency(reading.after, "cur"))]
    return Minute(
        minute=number,
        trials=len(readings),
        median=median,
        low=low,
        high=high,
        celsius=float(np.median(heat)) if heat else None,
        gigahertz=float(np.median(speeds)) if speeds else None,
    )


def _outside(minutes: Sequence[Minute]) -> dict[int, bool]:
    """Whether each later minute's interval lies wholly outside the first minute's, where both have one."""
    if not minutes or minutes[0].low is None or minutes[0].high is None:
        return {}
    low, high = minutes[0].low, minutes[0].high
    return {
        later.minute: later.low > high or later.high < low
        for later in minutes[1:]
        if later.low is not None and later.high is not None
    }
