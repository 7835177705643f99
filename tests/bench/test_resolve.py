"""From names to devices: profiles, matches, and the message for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.devices import attached as attached_module
from bench.devices.profiles import load_profiles
from bench.devices.resolve import resolve
from bench.transports.adb_texts import parse_devices
from foundation.errors import DeviceError, UsageError
from tests.bench.conftest import AdbServer
from tests.bench.faulty_adbd import FaultyAdbd
from tests.results.recorded import recorded

PIXELS = (
    "List of devices attached\n"
    "1A2B device usb:1-1 product:shiba model:Pixel_8 device:shiba transport_id:1\n"
    "3C4D device usb:1-2 product:husky model:Pixel_8_Pro device:husky transport_id:2\n"
    "5E6F device usb:1-3 product:onyx model:25053RT47C device:onyx transport_id:3\n"
)


@pytest.fixture
def listing(home: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    assert home.is_dir()
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:127.0.0.1:9")
    return monkeypatch


def shows(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(attached_module, "listed_devices", lambda: parse_devices(text))


def configured(home: Path, text: str) -> None:
    path = home / ".config" / "pocketbench" / "devices.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_the_one_pixel_is_found_among_other_phones(listing: pytest.MonkeyPatch) -> None:
    shows(listing, "\n".join(line for line in PIXELS.split("\n") if "Pro" not in line))
    handle = resolve("pixel")
    assert (handle.name, handle.address, handle.profile.name) == ("adb:1A2B", "adb:1A2B", "pixel")
    assert handle.profile.fixed_performance


def test_two_pixels_are_listed(listing: pytest.MonkeyPatch) -> None:
    shows(listing, PIXELS)
    with pytest.raises(DeviceError, match="2 attached devices fit 'pixel'") as error:
        resolve("pixel")
    assert error.value.hint == "name one of: adb:1A2B (Pixel 8), adb:3C4D (Pixel 8 Pro)"


def test_no_adb_server_says_how_to_start_it(listing: pytest.MonkeyPatch) -> None:
    assert listing
    with pytest.raises(DeviceError, match=r"no adb server is running at 127\.0\.0\.1:9") as error:
        resolve("pixel")
    assert "adb start-server" in error.value.hint
    with pytest.raises(DeviceError, match="no adb server"):
        resolve("adb:1A2B").open()


@pytest.mark.parametrize(
    ("name", "state", "cure"),
    [
        ("devices-l-unauthorized-pixel6a-macos", "unauthorized", "Allow USB debugging"),
        ("devices-no-permissions-plugdev", "no permissions", "udev"),
        ("devices-l-recovery-no-model-windows", "recovery", "Reboot system now"),
    ],
)
def test_phone_that_is_not_ready_says_why(listing: pytest.MonkeyPatch, name: str, state: str, cure: str) -> None:
    shows(listing, recorded(f"adb/{name}.txt"))
    with pytest.raises(DeviceError, match=f"is {state}") as error:
        resolve("pixel")
    assert cure in error.value.hint


def test_phone_that_went_offline_says_so(listing: pytest.MonkeyPatch) -> None:
    shows(listing, "List of devices attached\n1A2B offline transport_id:3\n")
    with pytest.raises(DeviceError, match="adb:1A2B is offline") as error:
        resolve("pixel")
    assert "cable" in error.value.hint


def test_unknown_name_lists_the_choices_and_the_nearest(listing: pytest.MonkeyPatch) -> None:
    shows(listing, PIXELS)
    with pytest.raises(UsageError, match=r"no device is called 'emulater'; did you mean 'emulator'\?") as error:
        resolve("emulater")
    assert "adb:5E6F" in error.value.hint


def test_users_profile_takes_over_a_built_in_one(listing: pytest.MonkeyPatch, home: Path) -> None:
    assert listing
    configured(home, "kitchen:\n  base: rpi4\n  device: ssh:pi@kitchen.local\n  threads: 2\n  limits: {battery: 40}\n")
    handle = resolve("rpi")
    assert (handle.name, handle.address) == ("kitchen", "ssh:pi@kitchen.local")
    assert resolve("kitchen").profile == handle.profile
    assert (handle.profile.threads, handle.profile.limits.battery, handle.profile.limits.wait_s) == (2, 40, 300)
    assert handle.profile.bases == ("rpi4", "rpi")


def test_two_boards_of_a_kind_are_listed(listing: pytest.MonkeyPatch, home: Path) -> None:
    assert listing
    configured(home, "one: {base: rpi4, device: 'ssh:a'}\ntwo: {base: rpi5, device: 'ssh:b'}\n")
    with pytest.raises(DeviceError, match="2 configured boards") as error:
        resolve("rpi")
    assert error.value.hint == "name one of: one, two"
    assert resolve("rpi5").name == "two"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine: {devise: local}", r"mine: unknown key 'devise'; did you mean 'device'\?"),
        ("mine: {device: local, limits: {wait: 3}}", r"limits: unknown key 'wait'; did you mean 'wait_s'\?"),
        ("mine: {device: local, threads: 0}", "mine: threads: .*greater than 0"),
        ("mine: {base: rpi9}", "its base 'rpi9' is no other profile"),
        ("mine: {device: local, limits: 3}", "mine: limits: not a table but 3"),
        ("mine: {device: local, limits: }", "mine: limits: not a table but None"),
        ("mine: {base: [rpi4]}", r"mine: base: \['rpi4'\] is no name"),
        ("mine: {base: mine}", "its base 'mine' is no other profile"),
        ("mine: {model: '('}", "mine: model: "),
        ("mine: local", "the profile 'mine' has no settings"),
        ("- mine", "profiles are"),
        ("a: [", "is not YAML"),
    ],
)
def test_wrong_configuration_names_the_key(home: Path, text: str, message: str) -> None:
    configured(home, text)
    with pytest.raises(UsageError, match=message):
        load_profiles()


def test_phone_is_opened_through_the_server_with_its_models_profile(
    home: Path, adb_server: AdbServer, phone: FaultyAdbd
) -> None:
    assert adb_server.process is not None
    configured(home, f"android: {{model: '.*', workdir: '{phone.folder}/work'}}\n")
    handle = resolve(f"adb:{phone.serial}")
    with handle.open() as device:
        assert device.target == "linux-x86_64"  # this computer answers as the phone
        assert device.workdir == f"{phone.folder}/work"
        assert device.transport.name == f"adb:{phone.serial}"
        assert device.transport.run(["pwd"], cwd=device.workdir).stdout == f"{device.workdir}\n"
