"""The local transport: exit statuses, streams, deadlines, and nothing left running."""

import signal
import time
from pathlib import Path

import pytest

from bench.transports.local import LocalTransport
from foundation.errors import DeviceError


def gone(pid: int) -> bool:
    """True when no process has that id, or only a zombie waiting for init."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # before the file is opened, or before it is read
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_status_and_both_streams_come_back_apart() -> None:
    done = LocalTransport().run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.exit_status, done.stdout, done.stderr, done.signal) == (7, "out\n", "err\n", None)


def test_arguments_reach_the_program_as_they_are() -> None:
    hostile = "a b'c\"d;$(touch x)\n`id`"
    done = LocalTransport().run(["printf", "%s", hostile])
    assert done.stdout == hostile


def test_lines_come_one_by_one_and_the_last_needs_no_newline() -> None:
    lines: list[str] = []
    LocalTransport().run(["printf", "one\ntwo\nthree"], on_line=lines.append)
    assert lines == ["one", "two", "three"]


def test_program_killed_by_a_signal_is_named() -> None:
    done = LocalTransport().run(["sh", "-c", "kill -9 $$"])
    assert (done.exit_status, done.signal) == (128 + signal.SIGKILL, "SIGKILL")


def test_missed_deadline_ends_the_program_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 60 & echo $! $$ > '{pids}'; wait"
    with pytest.raises(DeviceError, match=r"still running after 0\.5 s"):
        LocalTransport().run(["sh", "-c", script], deadline_s=0.5)
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_listener_that_raises_ends_the_program() -> None:
    seen: list[int] = []

    def interrupt(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalTransport().run(["sh", "-c", "echo $$; exec sleep 60"], on_line=interrupt)
    assert gone(seen[0])


def test_missing_program_is_named() -> None:
    with pytest.raises(DeviceError, match="cannot start /no/such/agent"):
        LocalTransport().run(["/no/such/agent"])
