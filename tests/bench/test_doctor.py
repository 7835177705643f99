"""`bench doctor`: what is missing is named with its cure, and only what a run here needs decides the exit status."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from bench.commands.doctor import described
from bench.devices import doctor
from bench.devices.doctor import NEEDED_BYTES, Check, checks
from bench.transports.adb_texts import CURES
from foundation.cache import cache_root
from tests.bench.command import bench
from tests.bench.fake_adb_server import FakeAdbServer

CACHE = cache_root()  # before a test takes HOME away: the agent is built once


@pytest.fixture
def quiet(home: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This computer as it is, with a configuration of the test's own and no adb server."""
    assert home.is_dir()
    monkeypatch.setenv("POCKETBENCH_CACHE", str(CACHE))
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:127.0.0.1:9")
    return monkeypatch


def found(name: str) -> Check:
    [check] = [check for check in checks() if check.name == name]
    return check


def test_programs_that_are_not_there_are_named_with_their_packages(quiet: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quiet.setenv("PATH", str(tmp_path))
    cures = {check.name: check.cure for check in checks() if check.state == "missing"}
    assert cures["adb"] == "apt-get install adb"
    assert cures["qemu-system-aarch64"] == "apt-get install qemu-system-arm"
    assert "apt-get" in cures
    assert "adb start-server" in cures["adb server"]


def test_what_only_phones_and_the_board_need_does_not_fail_the_check(
    quiet: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    assert home.is_dir()
    quiet.setenv("PATH", str(tmp_path))
    done = bench(tmp_path, "doctor")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    at = lines.index("MISSING  adb: not found (needed for: phones)")
    assert lines[at + 1] == "         -> apt-get install adb"
    assert any(line.startswith("ok       agent: pocketbench agent") for line in lines)


def test_runtime_that_is_not_installed_fails_it(quiet: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "ai-edge-litert":
            raise PackageNotFoundError(name)
        return "1"

    quiet.setattr(doctor, "version", version)
    check = found("ai-edge-litert")
    assert (check.state, check.needed) == ("missing", "run")
    assert "pip install" in check.cure


def test_cache_that_cannot_be_written_is_broken_and_fails_it(quiet: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    quiet.setenv("POCKETBENCH_CACHE", str(tmp_path / "file" / "cache"))
    done = bench(tmp_path, "doctor", "--json")
    assert done.returncode == 8
    told = {check["name"]: check for check in json.loads(done.stdout)}
    assert told["cache"]["state"] == "broken"
    assert "POCKETBENCH_CACHE" in told["cache"]["cure"]


def test_full_disk_says_how_much_is_to_be_freed(quiet: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    quiet.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, NEEDED_BYTES - 500_000_000))
    check = found("disk")
    assert check.state == "broken"
    assert check.cure.startswith("free 0.5 GB")


def test_wrong_configuration_is_named_with_its_key(quiet: pytest.MonkeyPatch, home: Path) -> None:
    assert quiet
    path = home / ".config" / "pocketbench" / "devices.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("mine: {devise: local}")
    check = found("configuration")
    assert check.state == "broken"
    assert "did you mean 'device'?" in check.said


def test_each_phones_state_is_checked(quiet: pytest.MonkeyPatch) -> None:
    with FakeAdbServer(
        "1A2B unauthorized usb:1-1 transport_id:1\n3C4D device model:Pixel_8 transport_id:2\n"
    ) as server:
        quiet.setenv("ADB_SERVER_SOCKET", f"tcp:127.0.0.1:{server.port}")
        told = {check.name: check for check in checks()}
    assert told["adb server"].state == "ok"
    assert (told["device adb:1A2B"].state, told["device adb:1A2B"].cure) == ("broken", CURES["unauthorized"])
    assert described(told["device adb:3C4D"]) == "ok       device adb:3C4D: ready (Pixel 8)"
