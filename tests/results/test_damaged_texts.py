"""What a device or a tool printed, damaged: a parser never fails, and what it cannot read is unknown, never zero."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results.device_state import raspberry, thermal
from results.device_state.battery import STATUS_NAMES, parse_battery
from results.device_state.core_groups import core_groups, default_cores
from results.device_state.cpuinfo import parse_core_list, parse_cpuinfo, parse_frequencies, per_core
from results.device_state.numbers import integers
from results.device_state.properties import model_of, parse_properties, target_of
from results.foreign.benchmark_model import parse_benchmark_model
from results.foreign.onnxruntime_perf import parse_perf_test, parse_profile
from tests.results.mutations import damaged

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def degrees(value: float | None) -> bool:
    return value is None or (-40 <= value <= 150 and value != 0)


@many
@given(damaged("thermalservice", "battery"))
def test_thermal_service(text: str) -> None:
    found = thermal.parse_thermalservice(text)
    assert found.status is None or 0 <= found.status <= 6
    assert all(degrees(reading.celsius) for reading in (*found.current, *found.cached))
    assert degrees(found.hottest(0))


@many
@given(damaged("battery", "thermalservice"))
def test_battery(text: str) -> None:
    found = parse_battery(text)
    assert found.level_percent is None or 0 <= found.level_percent <= 100
    assert found.voltage_mv is None or 2000 < found.voltage_mv < 10000
    assert degrees(found.celsius)
    assert found.status is None or found.status in STATUS_NAMES.values()


@many
@given(damaged("thermal_zones", "rpi"))
def test_thermal_zones(text: str) -> None:
    assert all(map(degrees, thermal.parse_zone_temperatures(text)))
    assert all(degrees(zone.celsius) for zone in thermal.parse_zone_pairs(text))
    assert all(thermal.parse_zone_types(text))
    files = {f"/sys/class/thermal/thermal_zone{number}/temp": line for number, line in enumerate(text.split("\n"))}
    assert all(degrees(zone.celsius) for zone in thermal.zones(files))


@many
@given(damaged("rpi", "thermal_zones"))
def test_raspberry_pi(text: str) -> None:
    bits = raspberry.parse_throttled(text)
    assert bits is None or bits.bits >= 0
    raspberry.parse_throttled_binary(text)
    assert degrees(raspberry.parse_temperature(text))
    assert raspberry.parse_clock(text) != 0
    assert raspberry.parse_volts(text) != 0
    load = raspberry.parse_load(text)
    assert load is None or all(math.isfinite(value) for value in load)
    raspberry.parse_pmic(text)


@many
@given(damaged("cpu"), damaged("cpu"), st.one_of(st.none(), st.text("0123456789-, \n", max_size=20)))
def test_core_groups_hold_every_core_once(text: str, numbers: str, online: str | None) -> None:
    cpuinfo = parse_cpuinfo(text)
    files = {f"/sys/devices/system/cpu/cpu{core}/cpu_capacity": line for core, line in enumerate(numbers.split("\n"))}
    values = {core: value for core, value in enumerate(integers(numbers)) if value is not None}
    groups = core_groups(per_core(files, "cpu_capacity"), values, cpuinfo, parse_core_list(online))
    assert len(groups.cores) == len(set(groups.cores))
    assert set(groups.big) <= set(groups.cores)
    assert default_cores(groups)
    parse_frequencies(text)


@many
@given(damaged("getprop"))
def test_properties(text: str) -> None:
    found = parse_properties(text)
    assert all(isinstance(value, str) for value in found.values())
    assert model_of(found) != ""
    assert target_of(found) in (None, "android-arm64", "android-x86_64")


@many
@given(damaged("tflite"))
def test_benchmark_model(text: str) -> None:
    found = parse_benchmark_model(text)
    assert all(math.isfinite(row.average_ms) for row in found.operators)


@many
@given(damaged("onnxruntime"))
def test_onnxruntime(text: str) -> None:
    assert all(math.isfinite(value) for value in parse_perf_test(text).latency_s.values())
    assert all(event.name and event.category for event in parse_profile(text))


@many
@given(st.text(max_size=300))
def test_any_text_at_all(text: str) -> None:
    parse_battery(text)
    thermal.parse_thermalservice(text)
    core_groups({}, {}, parse_cpuinfo(text), parse_core_list(text))
    parse_properties(text)
    parse_benchmark_model(text)
    parse_perf_test(text)
    parse_profile(text)
    raspberry.parse_load(text)
