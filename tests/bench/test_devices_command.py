"""`bench devices` and `--device`, by the command itself: what a person is told about phones that cannot be used."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.transports.adb_texts import CURES
from tests.bench.command import bench, convolution
from tests.bench.conftest import AdbServer, free_port, needed
from tests.bench.fake_adb_server import FakeAdbServer
from tests.bench.faulty_adbd import FaultyAdbd
from tests.results.recorded import recorded


def listed(folder: Path) -> tuple[list[str], str]:
    """The lines that `bench devices` prints, and all of them as one text. It never fails because of a device."""
    done = bench(folder, "devices")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines(), done.stdout


def below(lines: list[str], name: str) -> tuple[str, str]:
    """A device's line, and the one below it."""
    [at] = [number for number, line in enumerate(lines) if line.startswith(f"{name} ")]
    return lines[at], lines[at + 1].strip()


def shown(monkeypatch: pytest.MonkeyPatch, server: FakeAdbServer) -> None:
    monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:127.0.0.1:{server.port}")


def test_without_an_adb_server_the_others_are_listed_and_the_cure_is_named(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.is_dir()
    port = free_port()
    monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:127.0.0.1:{port}")
    lines, text = listed(tmp_path)
    assert any(line.split()[:2] == ["local", "ready"] for line in lines)
    assert any(line.split()[:3] == ["emulator", "not", "running"] for line in lines)
    assert f"note: no adb server is running at 127.0.0.1:{port}\n" in text
    assert (
        "hint: start it with `adb start-server` (Debian: apt-get install adb), or name the device adb:HOST:PORT" in text
    )
    refused = bench(tmp_path, "run", "--device", "pixel", "--models", str(convolution(tmp_path / "m.onnx")))
    assert refused.returncode == 4
    assert f"no adb server is running at 127.0.0.1:{port}" in refused.stderr
    assert "adb start-server" in refused.stderr


@pytest.mark.parametrize(
    ("listing", "serial", "state"),
    [
        ("adb/devices-l-unauthorized-pixel6a-macos.txt", "27000JEGR00001", "unauthorized"),
        ("adb/devices-no-permissions-plugdev.txt", "ABCDEF1234", "no permissions"),
        ("adb/devices-l-recovery-no-model-windows.txt", "ZY000AAAAA", "recovery"),
        ("1A2B3C4D               offline usb:1-4 transport_id:7\n", "1A2B3C4D", "offline"),
        ("1A2B3C4D               authorizing usb:1-4 transport_id:7\n", "1A2B3C4D", "authorizing"),
    ],
)
def test_phone_that_is_not_ready_is_listed_with_what_to_do(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, listing: str, serial: str, state: str
) -> None:
    assert home.is_dir()
    with FakeAdbServer(recorded(listing) if listing.startswith("adb/") else listing) as server:
        shown(monkeypatch, server)
        lines, text = listed(tmp_path)
        line, cure = below(lines, f"adb:{serial}")
        assert line.removeprefix(f"adb:{serial}").strip().startswith(state)
        assert cure == CURES[state]
        assert "note:" not in text
        refused = bench(tmp_path, "run", "--device", "pixel", "--models", str(convolution(tmp_path / "m.onnx")))
        assert refused.returncode == 4
        assert f"adb:{serial} is {state}" in refused.stderr
        assert cure in " ".join(refused.stderr.split())
    assert set(server.asked) == {"host:devices-l"}


def test_two_pixels_are_listed_and_pixel_alone_is_refused_with_both_names(
    tmp_path: Path, home: Path, adb_server: AdbServer
) -> None:
    assert home.is_dir()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        FaultyAdbd(tmp_path / "one", model="Pixel 8") as first,
        FaultyAdbd(tmp_path / "two", model="Pixel 8 Pro") as second,
    ):
        for phone in (first, second):
            connected(adb_server, phone)
        lines, text = listed(tmp_path)
        assert "note: 2 attached devices fit 'pixel'\nhint: name one of: " in text
        for phone, model in ((first, "Pixel 8"), (second, "Pixel 8 Pro")):
            [line] = [line for line in lines if line.startswith(f"adb:{phone.serial} ")]
            assert line.removeprefix(f"adb:{phone.serial}").split() == ["ready", *model.split(), "pixel"]
        refused = bench(tmp_path, "run", "--device", "pixel", "--models", str(convolution(tmp_path / "m.onnx")))
        assert refused.returncode == 4
        assert "2 attached devices fit 'pixel'" in refused.stderr
        said = " ".join(refused.stderr.split())
        for phone, model in ((first, "Pixel 8"), (second, "Pixel 8 Pro")):
            assert f"adb:{phone.serial} ({model})" in said


def test_phone_that_waits_for_its_person_is_unauthorized_through_a_real_server(
    tmp_path: Path, home: Path, adb_server: AdbServer, phone: FaultyAdbd
) -> None:
    assert home.is_dir()
    phone.faults.authorisation = "prompt ignored"
    connected(adb_server, phone)
    lines, _ = listed(tmp_path)
    line, cure = below(lines, f"adb:{phone.serial}")
    assert line.removeprefix(f"adb:{phone.serial}").split()[0] in ("unauthorized", "authorizing")
    assert "Allow USB debugging" in cure


def test_phone_whose_cable_came_out_is_offline_through_a_real_server(
    tmp_path: Path, home: Path, adb_server: AdbServer, phone: FaultyAdbd
) -> None:
    assert home.is_dir()
    connected(adb_server, phone)
    phone.cable_out()
    lines, _ = listed(tmp_path)
    line, cure = below(lines, f"adb:{phone.serial}")
    assert line.removeprefix(f"adb:{phone.serial}").split()[0] == "offline"
    assert cure == CURES["offline"]


def test_json_has_states_and_cures(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.is_dir()
    with FakeAdbServer("1A2B offline transport_id:1\n5E6F device model:Pixel_8 transport_id:2\n") as server:
        shown(monkeypatch, server)
        done = bench(tmp_path, "devices", "--json")
    told = json.loads(done.stdout)
    phones = {device["name"]: device for device in told["devices"] if device["kind"] == "phone"}
    assert phones["adb:1A2B"]["state"] == "offline"
    assert phones["adb:1A2B"]["cure"] == CURES["offline"]
    assert (phones["adb:5E6F"]["state"], phones["adb:5E6F"]["model"], phones["adb:5E6F"]["profile"]) == (
        "ready",
        "Pixel 8",
        "pixel",
    )
    assert told["problems"] == []


def connected(server: AdbServer, phone: FaultyAdbd) -> None:
    """`adb connect`, as a person would."""
    command = [needed("adb"), "-L", f"tcp:{server.port}", "connect", phone.serial]
    subprocess.run(command, check=False, capture_output=True, timeout=60)
