"""Every recorded answer of adb, against values read off it by eye."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from bench.transports.adb_texts import CURES, error_of, parse_devices, problem_of
from tests.results.mutations import damaged
from tests.results.recorded import every, recorded

# file -> (serial, state, model, product) of every device
LISTS = {
    "devices-daemon-start-windows": [("98260000000000001a", "device", None, None)],
    "devices-l-emulator-arm64": [("emulator-5554", "device", "sdk_gphone64_arm64", "sdk_gphone64_arm64")],
    "devices-l-mdns-honor": [("adb-AAAA0000000000001-bReb3a._adb-tls-connect._tcp", "device", "ALT_NX1", "ALT-NX1EEA")],
    "devices-l-mdns-space-in-serial": [
        ("adb-11aa22bb-X9sGA6 (2)._adb-tls-connect._tcp", "device", "25053RT47C", "onyx")
    ],
    "devices-l-no-permissions-missing-udev-unoq": [("3600000001", "no permissions", None, None)],
    "devices-l-recovery-no-model-windows": [("ZY000AAAAA", "recovery", None, "omni_cedric")],
    "devices-l-sideload-quest2": [
        ("7a00000000000001a", "device", "SM_T813", "gts210vewifixx"),
        ("1WM00000000001", "sideload", "Quest_2", "hollywood"),
        ("192.168.1.100:5555", "device", "Quest_2", "hollywood"),
        ("1WM00000000001", "device", "Quest_2", "hollywood"),
    ],
    "devices-l-unauthorized-pixel6a-macos": [("27000JEGR00001", "unauthorized", None, None)],
    "devices-l-unauthorized-with-device": [
        ("43200000001", "unauthorized", None, None),
        ("W4I000000000001A", "device", "ELEMNT_BOLT", "tidy_goertek2601_l"),
    ],
    "devices-no-permissions-plugdev": [("ABCDEF1234", "no permissions", None, None)],
    "devices-server-version-mismatch-empty": [],
    "devices-unauthorized-daemon-start": [("62000001", "unauthorized", None, None)],
}


@pytest.mark.parametrize("name", every("adb", "devices-*"))
def test_device_lists(name: str) -> None:
    found = parse_devices(recorded(name))
    for entry in found:
        assert entry.serial == entry.serial.strip()
        assert entry.ready or CURES[entry.state]
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in LISTS:
        assert [(entry.serial, entry.state, entry.model, entry.product) for entry in found] == LISTS[stem]


def test_brackets_and_bus_of_a_device_without_permission() -> None:
    first = parse_devices(recorded("adb/devices-l-no-permissions-missing-udev-unoq.txt"))[0]
    assert first.detail == "missing udev rules? user is in the plugdev group"
    assert (first.usb, first.transport_id) == ("usb:3-9", 1)
    second = parse_devices(recorded("adb/devices-no-permissions-plugdev.txt"))[0]
    assert second.detail == "user in plugdev group; are your udev rules wrong?"
    assert parse_devices(recorded("adb/devices-l-sideload-quest2.txt"))[0].usb == "1-5"


PROBLEMS = {
    "err-daemon-cannot-connect": "server",
    "err-device-unauthorized-windows-exe": "unauthorized",
    "err-device-unauthorized": "unauthorized",
    "err-pair-protocol-fault.stderr": "protocol",
    "err-push-no-space-progress-lines": "no space",
    "err-push-no-space-remote": "no space",
    "err-root-insufficient-permissions": "no permissions",
    "err-still-authorizing": "authorizing",
    "err-sync-fails-after-success-lines": "read-only",
}


@pytest.mark.parametrize("name", every("adb", "err-*"))
def test_error_texts_are_recognised_and_cured(name: str) -> None:
    problem = problem_of(recorded(name))
    assert problem is not None
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in PROBLEMS:
        assert problem.kind == PROBLEMS[stem]
        assert error_of("adb:1A2B", recorded(name)).hint


@pytest.mark.parametrize("name", every("adb", "devices-*"))
def test_device_lists_are_no_errors(name: str) -> None:
    if "mismatch" not in name and "permissions" not in name and "unauthorized" not in name:
        assert problem_of(recorded(name)) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("failed to connect to '10.0.0.9:5555': Connection refused", "refused"),  # with exit status 0
        ("error: device offline", "offline"),
        ("error: device 'XYZ' not found", "absent"),
        ("error: no devices/emulators found", "absent"),
        ("error: more than one device/emulator", "several"),
        ("error: closed", "closed"),
        ("adb: error: connect failed: closed\r\n", "closed"),
        ("error: device still connecting", "connecting"),
        ("adb: error: failed to get feature set: device offline", "offline"),
        ("adb: error: failed to get feature set: no devices/emulators found", "absent"),
        ("error: no emulators found", "absent"),
        ("error: device '(null)' not found", "absent"),
        ("adb: failed to connect to '10.0.0.9:5555': No route to host", "refused"),
        ("failed to connect to '10.0.0.9:5555': Operation timed out", "refused"),
        ("failed to resolve host: 'phone.local': Name or service not known", "refused"),
        ("failed to authenticate to 10.0.0.9:5555", "unauthorized"),
        ("error: could not install *smartsocket* listener: Address already in use", "server"),
        ("ADB server didn't ACK\n* failed to start daemon *\nerror: cannot connect to daemon", "server"),
        ("adb: error: failed to copy 'a' to '/sdcard/a': remote write failed: Broken pipe", "protocol"),
        ("adb: error: failed to copy 'a' to '/x/a': remote secure_mkdirs() failed: Permission denied", "denied"),
        ("adb: error: remote object '/x' does not exist", "missing"),
        ("adb: error: failed to copy 'a' to '/x': remote Disk quota exceeded", "no space"),
        ("adb: failed to install a.apk: Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]", "no space"),
        ("adb: unknown command frobnicate", "other"),
    ],
)
def test_other_errors_of_adb(text: str, kind: str) -> None:
    problem = problem_of(text)
    assert problem is not None
    assert problem.kind == kind


@pytest.mark.parametrize("text", ["", "* daemon started successfully\r\n", "already connected to 10.0.0.9:5555", "ok"])
def test_what_is_no_error_is_none(text: str) -> None:
    assert problem_of(text) is None


HEADER = "List of devices attached\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("adb-1A (2)._adb-tls-connect._tcp offline transport_id:4", ("adb-1A (2)._adb-tls-connect._tcp", "offline")),
        ("my device (2)._adb._tcp device product:x model:Y device:z", ("my device (2)._adb._tcp", "device")),
        ("????????????\tno permissions", ("????????????", "no permissions")),
        ("1A2B\tdevice", ("1A2B", "device")),
        (
            "  1A2B                   device usb:1-1 product:a model:b device:c transport_id:1 news:1",
            ("1A2B", "device"),
        ),
        ("1A2B                   device product:a mod", ("1A2B", "device")),  # cut off
        ("1A2B\tauthorizing", ("1A2B", "authorizing")),
        ("1A2B                   connecting transport_id:3", ("1A2B", "connecting")),
        ("1A2B\tfastbootd", ("1A2B", "unknown")),  # a state that this program does not know
        ("device\tdevice", ("device", "device")),
    ],
)
def test_lines_of_other_adbs(text: str, expected: tuple[str, str]) -> None:
    for line in (text, f"{text}\r"):
        assert [(entry.serial, entry.state) for entry in parse_devices(f"{HEADER}{line}\n\n")] == [expected]


@pytest.mark.parametrize(
    "text", ["adb.exe: device unauthorized.", "error: device offline", "- waiting for device -", "one word", ""]
)
def test_complaint_is_no_device(text: str) -> None:
    assert parse_devices(text) == ()


def test_state_of_a_later_adb_is_unknown_and_named() -> None:
    [entry] = parse_devices("List of devices attached\n1A2B\tin some mode usb:1-1 transport_id:2\n")
    assert (entry.state, entry.detail, entry.usb, entry.transport_id) == ("unknown", "in some mode", "usb:1-1", 2)
    assert entry.cure


@settings(max_examples=150, deadline=None, derandomize=True)
@given(damaged("adb"))
def test_damaged_lists_and_errors_never_fail(text: str) -> None:
    for entry in parse_devices(text):
        assert entry.serial
        assert entry.serial == entry.serial.strip()
        assert entry.ready or entry.cure
    error = error_of("adb:1", text)
    assert error.message
    assert error.hint


def test_full_disk_is_not_worth_another_try_but_a_lost_device_is() -> None:
    assert not error_of("adb:1", recorded("adb/err-push-no-space-remote.txt")).retryable
    assert error_of("adb:1", "error: device offline").retryable
