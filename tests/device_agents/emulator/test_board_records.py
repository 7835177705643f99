"""What a board leaves on the host: records of dead boards, names, a missing or failing qemu. Nothing boots here."""

import os
import subprocess
from pathlib import Path

import pytest

from device_agents.emulator import board as boards
from device_agents.emulator.board import Board, ensure_running, find, running, stop
from foundation.cache import cache_root
from foundation.errors import BuildError, DeviceError, UsageError


@pytest.fixture
def run_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder of records, in place of the cache's."""
    monkeypatch.setattr(boards, "_run_folder", lambda: tmp_path)
    return tmp_path


def record(folder: Path, pid: int, started_ticks: int, boot_seconds: float | None = 4.0) -> Path:
    """A board's record as an earlier command may have left it."""
    board = Board(
        name="old",
        adb_port=1,
        ssh_port=2,
        pid=pid,
        started_ticks=started_ticks,
        clock="instructions",
        cpu="cortex-a76",
        qemu_version="7.2.0",
        image="0" * 64,
        console=folder / "old.console",
        identity=folder / "key",
        known_hosts=folder / "old.known_hosts",
        boot_seconds=boot_seconds,
    )
    path = folder / "old.json"
    path.write_text(board.to_json())
    return path


def started(pid: int) -> int:
    """The start time of a process as `ps` and everybody else reads it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def failing_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a qemu first in PATH that knows its version and cannot start."""
    program = folder / "bin" / "qemu-system-aarch64"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "QEMU emulator version 9.9.9" && exit 0\n'
        'echo "qemu: no such machine" >&2\nexit 3\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_process_that_took_over_a_dead_boards_number_is_neither_a_board_nor_ended(run_folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as innocent:
        path = record(run_folder, innocent.pid, started(innocent.pid) - 1)
        assert find("old") is None
        assert not path.exists()
        record(run_folder, innocent.pid, started(innocent.pid) - 1)
        assert stop("old") is False
        assert innocent.poll() is None
        innocent.kill()


def test_board_whose_process_is_gone_is_forgotten(run_folder: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        ticks = started(gone.pid)
    record(run_folder, gone.pid, ticks)
    assert running() == ()
    assert list(run_folder.glob("*.json")) == []


def test_process_that_ended_but_was_not_collected_counts_as_gone(run_folder: Path) -> None:
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as zombie:
        ticks = started(zombie.pid)
        assert zombie.stdout is not None
        zombie.stdout.read()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        record(run_folder, zombie.pid, ticks)
        assert find("old") is None


def test_live_board_is_found_and_stop_ends_its_process(run_folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        path = record(run_folder, process.pid, started(process.pid))
        assert [board.name for board in running()] == ["old"]
        assert stop("old") is True
        assert process.wait(5) == -15
        assert not path.exists()


def test_board_whose_starter_died_while_it_booted_is_replaced(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_qemu(tmp_path, monkeypatch)
    with subprocess.Popen(["sleep", "60"]) as orphan:
        record(run_folder, orphan.pid, started(orphan.pid), boot_seconds=None)
        with pytest.raises(DeviceError, match="before the board was up"):
            ensure_running("old")
        assert orphan.wait(5) == -15


def test_damaged_record_is_reported_with_its_path(run_folder: Path) -> None:
    (run_folder / "old.json").write_text('{"name": "old"')
    with pytest.raises(BuildError, match=r"old\.json is not a board's record"):
        find("old")


def test_qemu_that_ends_at_once_is_quoted_and_leaves_no_record(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_qemu(tmp_path, monkeypatch)
    with pytest.raises(DeviceError, match=r"status 3.*\n.*qemu: no such machine"):
        ensure_running("new")
    assert sorted(path.name for path in run_folder.glob("new.*")) == ["new.console", "new.lock"]


def test_missing_qemu_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache_root() / "nowhere"))
    with pytest.raises(BuildError) as caught:
        ensure_running("new")
    assert caught.value.hint == "run: apt-get install qemu-system-arm"


@pytest.mark.parametrize("name", ["", "A", "../etc", "a b", "-n", "x" * 33, "a;reboot"])
def test_name_that_could_be_a_path_or_an_option_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a board"):
        ensure_running(name)
