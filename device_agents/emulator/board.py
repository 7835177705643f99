"""Start, find and stop emulated boards.

A board is one qemu process in a session of its own: it outlives the command that started it, and Ctrl-C there does not
reach it. What is known of it lies in `board/run/NAME.json` under the cache, with the process's start time, so that a
number the system has given to another process is never taken for the board. An idle board takes about 1 % of a core
and 0.3 GB; it runs until `stop`.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from device_agents.emulator import qemu
from device_agents.emulator.image import image
from device_agents.emulator.keys import keys, known_hosts_line
from device_agents.emulator.probe import HOST, adb_answers, free_port, ssh_answers
from foundation.cache import cache_root, storage_error, written_whole
from foundation.errors import BuildError, DeviceError, UsageError
from foundation.record import Record

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
BOOT_LIMIT_S: Final = 120.0  # 4 s on a quiet machine; a busy one may take many times as long
STOP_LIMIT_S: Final = 5.0
PORT_TRIES: Final = 5
TAIL_LINES: Final = 15


class Board(Record):
    """A running board."""

    name: str
    adb_port: int  # on 127.0.0.1
    ssh_port: int
    pid: int
    started_ticks: int  # of the process, in clock ticks since the host's boot: /proc/PID/stat, field 22
    clock: Literal["instructions", "nanoseconds"]
    cpu: str
    qemu_version: str
    image: str  # SHA-256 of kernel and root file system
    console: Path
    identity: Path  # private key that the users `shell` and `root` accept
    known_hosts: Path
    boot_seconds: float | None  # from the start of qemu to adbd's and sshd's first answers; None: still booting

    @property
    def adb_address(self) -> str:
        """What adb and adb-shell connect to."""
        return f"{HOST}:{self.adb_port}"


def ensure_running(name: str = "default", deterministic: bool = True) -> Board:
    """The board of that name, started if it is not running.

    Raises UsageError for a name that cannot be one and when the running board has the other clock, BuildError when
    qemu or packages are missing, DeviceError when the board does not come up.
    """
    _check(name)
    with _locked(name):
        board = find(name)
        if board is not None and board.boot_seconds is None:  # whoever started it died before it was up
            _end(board)
            board = None
        if board is None:
            return _start(name, deterministic)
        clock = "instructions" if deterministic else "nanoseconds"
        if board.clock != clock:
            raise UsageError(
                f"the board {name} is running, but its clock counts {board.clock}, not {clock}",
                hint=f"run: bench emulator stop --name {name}; or choose another name",
            )
        return board


def find(name: str) -> Board | None:
    """The board of that name if its process lives; what a dead one left behind is removed."""
    _check(name)
    return _read(_run_folder() / f"{name}.json")


def running() -> tuple[Board, ...]:
    """Every board of this cache whose process lives, by name."""
    found = (_read(path) for path in sorted(_run_folder().glob("*.json")))
    return tuple(board for board in found if board is not None)


def answers(board: Board, timeout_s: float = 2.0) -> dict[str, bool]:
    """Whether each daemon of the board answers now: `adb`, `ssh`."""
    return {"adb": adb_answers(board.adb_port, timeout_s), "ssh": ssh_answers(board.ssh_port, timeout_s)}


def stop(name: str = "default") -> bool:
    """End the board; False when none of that name was running. Raises DeviceError when the process will not end."""
    _check(name)
    with _locked(name):
        board = find(name)
        if board is None:
            return False
        _end(board)
        return True


def _start(name: str, deterministic: bool) -> Board:
    """Boot, trying other ports when somebody takes one between our look and qemu's."""
    for attempt in range(1, PORT_TRIES + 1):
        adb_port, ssh_port = free_port(), free_port()
        try:
            return _boot(name, deterministic, adb_port, ssh_port)
        except DeviceError as error:
            if "Could not set up host forwarding" not in error.message or attempt == PORT_TRIES:
                raise
    raise AssertionError("unreachable")


def _boot(name: str, deterministic: bool, adb_port: int, ssh_port: int) -> Board:
    qemu_version = qemu.version()
    built, ssh = image(), keys()
    folder = _run_folder()
    root, console = folder / f"{name}.cpio", folder / f"{name}.console"
    known_hosts = folder / f"{name}.known_hosts"
    try:
        root.write_bytes(built.root.read_bytes() + ssh.archive)  # the kernel unpacks one archive after the other
        known_hosts.write_text(known_hosts_line(ssh.host_key, ssh_port))
        console.write_bytes(b"")
    except OSError as error:
        raise storage_error(error, folder) from error
    argv = qemu.command(
        name=name,
        deterministic=deterministic,
        kernel=built.kernel,
        root=root,
        console=console,
        adb_port=adb_port,
        ssh_port=ssh_port,
    )
    began = time.monotonic()
    with console.open("ab") as said:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", start_new_session=True
        )
    board = Board(
        name=name,
        adb_port=adb_port,
        ssh_port=ssh_port,
        pid=process.pid,
        started_ticks=_start_ticks(process.pid) or 0,
        clock="instructions" if deterministic else "nanoseconds",
        cpu=qemu.CPU,
        qemu_version=qemu_version,
        image=built.manifest.digest,
        console=console,
        identity=ssh.identity,
        known_hosts=known_hosts,
        boot_seconds=None,
    )
    try:
        _write(board)
        _await(process, board)
        board = board.model_copy(update={"boot_seconds": round(time.monotonic() - began, 2)})
        _write(board)
    except BaseException:
        process.kill()
        process.wait()
        _forget(name)
        raise
    finally:
        root.unlink(missing_ok=True)  # in the guest's memory by now
    return board


def _write(board: Board) -> None:
    with written_whole(_run_folder() / f"{board.name}.json") as path:
        path.write_text(board.to_json(indent=1) + "\n")


def _await(process: subprocess.Popen[bytes], board: Board) -> None:
    """Wait until both daemons answer. Raises DeviceError with the console's last lines."""
    console = board.console
    limit = time.monotonic() + BOOT_LIMIT_S
    while process.poll() is None:
        if b"board: ready" in console.read_bytes() and all(answers(board, 5.0).values()):
            return
        if time.monotonic() > limit:
            raise DeviceError(
                f"the board did not come up within {BOOT_LIMIT_S:.0f} s; its console ends with:\n{_tail(console)}",
                hint=f"see {console}; a very busy machine may need another try",
                retryable=True,
            )
        time.sleep(0.05)
    raise DeviceError(
        f"qemu ended with status {process.returncode} before the board was up; it said:\n{_tail(console)}",
        hint=f"see {console}",
    )


def _tail(console: Path) -> str:
    lines = console.read_text(errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:]) or "(nothing)"


def _read(path: Path) -> Board | None:
    try:
        board = Board.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(error, path) from error
    except ValidationError as error:
        raise BuildError(
            f"{path} is not a board's record", hint="if no board runs, remove that file and start again"
        ) from error
    if _start_ticks(board.pid) != board.started_ticks:
        _forget(board.name)
        return None
    return board


def _forget(name: str) -> None:
    """Remove what a board leaves behind, but its console."""
    for suffix in ("json", "known_hosts"):
        (_run_folder() / f"{name}.{suffix}").unlink(missing_ok=True)


def _start_ticks(pid: int) -> int | None:
    """When that process began, or None when there is none or it has ended and only waits to be collected."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # from field 3 on; the name before may hold anything
    return None if fields[0] in "ZX" else int(fields[19])


def _end(board: Board) -> None:
    """Ask, then force; the process is looked at by number and start time."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit = time.monotonic() + STOP_LIMIT_S
        with suppress(ProcessLookupError):
            os.kill(board.pid, number)
        while time.monotonic() < limit:
            if _start_ticks(board.pid) != board.started_ticks:
                _forget(board.name)
                return
            time.sleep(0.02)
    raise DeviceError(f"the board's process {board.pid} does not end", hint=f"see: cat /proc/{board.pid}/status")


def _check(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a board", hint="use 1 to 32 lower-case letters, digits and dashes, a dash not first"
        )


def _run_folder() -> Path:
    folder = cache_root() / "board" / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    return folder


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """One process at a time starts or stops the board of that name; the others wait."""
    with (_run_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
