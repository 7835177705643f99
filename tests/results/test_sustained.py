"""Sustained latency: minutes sorted right, and the minute named at which heat shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from results.evidence import Trial
from results.reading import Reading, read
from results.sustained import course
from tests.results.synthetic import Effects, agent_lines, artifact

FREQUENCY = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
ZONE = "/sys/class/thermal/thermal_zone0/"


def soak(latency_of_minute: list[float], heat_of_minute: list[int], disturbed: tuple[int, ...] = ()) -> list[Reading]:
    """Twelve trials a minute, 5 s apart; latencies in ms, heat in millidegrees, minutes with no undisturbed sample."""
    random = np.random.default_rng(0)
    begin = datetime(2026, 11, 22, tzinfo=UTC)
    model = artifact()
    readings = []
    for minute, (latency, heat) in enumerate(zip(latency_of_minute, heat_of_minute, strict=True)):
        for number in range(12):
            files = {FREQUENCY: "1800000\n", f"{ZONE}type": "cpu-thermal\n", f"{ZONE}temp": f"{heat}\n"}
            effects = Effects(
                latency_ns=latency * 1e6,
                trial_effect=0.002,
                samples=50,
                disturbed_share=1.0 if minute in disturbed else 0.0,
                files=({}, files),
            )
            trial = Trial(
                cell="c",
                block=len(readings),
                started=(begin + timedelta(minutes=minute, seconds=5 * number)).isoformat(),
                host_ns=1,
                exit_status=0,
                lines=tuple(agent_lines(random, effects, model)),
                stderr="",
            )
            readings.append(read(trial))
    return readings


def test_minutes_carry_median_heat_and_frequency() -> None:
    found = course(soak([10.0, 10.0], [41_000, 52_000]), "nanoseconds")
    assert [one.minute for one in found.minutes] == [0, 1]
    assert [one.trials for one in found.minutes] == [12, 12]
    assert [one.celsius for one in found.minutes] == [41.0, 52.0]
    assert [one.gigahertz for one in found.minutes] == [1.8, 1.8]
    assert found.minutes[0].median == pytest.approx(10.0, rel=0.01)


def test_the_first_minute_that_is_outside_the_first_minutes_interval_is_named() -> None:
    assert course(soak([10.0, 10.0, 11.0, 12.0], [40_000] * 4), "nanoseconds").left_at == 2


def test_a_steady_device_never_leaves() -> None:
    assert course(soak([10.0] * 3, [40_000] * 3), "nanoseconds").left_at is None


def test_minutes_without_a_latency_are_shown_and_prove_nothing() -> None:
    partly = course(soak([10.0] * 3, [40_000] * 3, disturbed=(1,)), "nanoseconds")
    assert [one.median is None for one in partly.minutes] == [False, True, False]
    assert [one.trials for one in partly.minutes] == [12, 12, 12]
    assert (partly.left_at, partly.comparable) == (None, 1)
    assert course(soak([10.0] * 3, [40_000] * 3, disturbed=(0, 1, 2)), "nanoseconds").comparable == 0
    assert course(soak([10.0] * 3, [40_000] * 3, disturbed=(0,)), "nanoseconds").comparable == 0


def test_a_device_without_sensors_shows_no_heat_rather_than_zero() -> None:
    readings = [
        read(reading.trial.model_copy(update={"lines": _without_files(reading)})) for reading in soak([10.0], [0])
    ]
    [minute] = course(readings, "nanoseconds").minutes
    assert minute.celsius is None
    assert minute.gigahertz is None


def _without_files(reading: Reading) -> tuple[str, ...]:
    import json

    return tuple(
        json.dumps({**record, "files": {}}) if record["kind"] == "state" else json.dumps(record)
        for record in map(json.loads, reading.trial.lines)
    )
