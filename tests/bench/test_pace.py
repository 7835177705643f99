"""Pacing and fixed-performance mode, on a device whose services answer as the test says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.devices.device import Device
from bench.devices.pace import Pacer
from bench.devices.performance import hold_fixed_performance
from bench.devices.profiles import Limits, Profile
from bench.transports.local import LocalTransport
from bench.transports.protocol import Completed
from foundation.cache import cache_root
from foundation.errors import DeviceError

HOT = "Thermal Status: 2\nHAL Ready: true\n"
COOL = "Thermal Status: 0\nHAL Ready: true\n"


class Phone(LocalTransport):
    """Answers what a phone would; everything that was run stands in `ran`."""

    def __init__(self) -> None:
        super().__init__()
        self.thermal = [COOL]  # one a question, the last one for ever
        self.kernel = [50_000_000]
        self.performance = ""
        self.lost = False
        self.ran: list[list[str]] = []

    def run(self, argv: Sequence[str], **_: object) -> Completed:  # type: ignore[override]
        self.ran.append(list(argv))
        if self.lost:
            raise DeviceError("lost", retryable=True)
        if "--state" in argv:
            duration = self.kernel.pop(0) if len(self.kernel) > 1 else self.kernel[0]
            line = {"kind": "state", "when": "before", "realtime_ns": 1, "files": {}, "cores_allowed": "0"}
            return Completed(0, json.dumps({**line, "calibration_ns": [duration + 9, duration]}), "")
        if argv[0] == "cmd":
            return Completed(0, self.performance, "")
        mark = next(line for line in argv[2].split("\n") if "dumpsys thermalservice" in line).split('"')[1][2:18]
        text = self.thermal.pop(0) if len(self.thermal) > 1 else self.thermal[0]
        return Completed(0, f"\n{mark} dumpsys thermalservice\n{text}\n{mark} dumpsys battery\n  level: 80\n", "")


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def device(phone: Phone, home: Path) -> Device:
    assert home.is_dir()
    profile = Profile(name="pixel", pace=True, fixed_performance=True, limits=Limits(wait_s=20))
    return Device(
        name="adb:1",
        transport=phone,
        target="android-arm64",
        clock="nanoseconds",
        workdir="/data/x",
        android=True,
        profile=profile,
    )


def paced(device: Device, said: list[str]) -> Pacer:
    return Pacer(device, ("./agent",), "/data/x", "digest", said.append, lambda _: None)


def test_cool_device_starts_at_once(device: Device) -> None:
    said: list[str] = []
    found = paced(device, said).wait("4-7")
    assert (found.ready, found.waited_s, found.slowdown, said) == (True, 0, 1.0, [])


def test_hot_device_is_waited_for(device: Device, phone: Phone) -> None:
    phone.thermal = [HOT, HOT, COOL]
    said: list[str] = []
    found = paced(device, said).wait("4-7")
    assert (found.ready, found.waited_s) == (True, 10)
    assert said == [
        "adb:1: waiting up to 20 s more: thermal status is moderate",
        "adb:1: waiting up to 15 s more: thermal status is moderate",
    ]


def test_slow_device_is_waited_for_until_its_own_baseline(device: Device, phone: Phone) -> None:
    pacer = paced(device, [])
    pacer.wait("4-7")
    phone.kernel = [56_000_000, 54_000_000]
    found = pacer.wait("4-7")
    assert (found.waited_s, found.slowdown) == (5, 1.08)


def test_baseline_outlives_the_run_and_is_one_a_choice_of_cores(device: Device, phone: Phone) -> None:
    paced(device, []).wait("4-7")
    phone.kernel = [80_000_000]
    assert paced(device, []).check("0-3").slowdown == 1.0
    assert paced(device, []).check("4-7").slowdown == 1.6


def test_waiting_has_an_end_and_says_what_it_gave_up_on(device: Device, phone: Phone) -> None:
    phone.thermal = [HOT]
    said: list[str] = []
    found = paced(device, said).wait("4-7")
    assert (found.ready, found.waited_s) == (False, 20)
    assert found.reasons == ("thermal status is moderate",)
    assert said[-1] == "adb:1: measuring anyway after 20 s: thermal status is moderate"


def switched(phone: Phone) -> list[str]:
    return [argv[-1] for argv in phone.ran if argv[0] == "cmd"]


def test_fixed_performance_is_on_while_open_and_off_afterwards(device: Device, phone: Phone) -> None:
    assert hold_fixed_performance(device)
    assert switched(phone) == ["true"]
    device.close()
    assert switched(phone) == ["true", "false"]
    assert not list((cache_root() / "fixed_performance").iterdir())


def test_fixed_performance_left_on_by_a_crash_is_undone_by_the_next_run(device: Device, phone: Phone) -> None:
    hold_fixed_performance(device)
    phone.lost = True
    device.close()  # the device is gone: nothing could be undone
    phone.lost = False
    phone.ran.clear()
    said: list[str] = []
    assert hold_fixed_performance(device, said.append)
    assert switched(phone) == ["false", "true"]
    assert "an earlier run left on" in said[0]


def test_phone_without_fixed_performance_is_measured_all_the_same(device: Device, phone: Phone) -> None:
    phone.performance = "Unknown command: set-fixed-performance-mode-enabled\n"
    assert not hold_fixed_performance(device)
    device.close()
    assert switched(phone) == ["true"]
