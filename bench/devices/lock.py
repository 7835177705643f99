"""One host process a device: a lock that the system itself lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from foundation.cache import cache_root, storage_error
from foundation.errors import DeviceError, UsageError

_ASK_S = 0.2


class DeviceLock:
    """The lock on one device, held from construction until `release`.

    Waits while another process holds it (`say` hears once who), or with `wait` false raises DeviceError naming
    the holder. A dead holder's lock is free at once: the kernel keeps it, not the file's text.
    """

    def __init__(self, device: str, *, wait: bool = True, say: Callable[[str], None] | None = None) -> None:
        self.path = _path(device)
        said = False
        while (handle := self._tried()) is None:
            holder = _holder(self.path)
            if holder.get("pid") == os.getpid() and holder.get("started") == start_time(os.getpid()):
                raise UsageError(f"{device} is named twice", hint="name each device once")
            who = f"{device} is in use by process {holder.get('pid', '?')}: {holder.get('command', 'just starting')}"
            if not wait:
                raise DeviceError(who, hint="wait for it to end, or run without --no-wait", retryable=True)
            if not said:
                said = True
                (say or _to_stderr)(f"{who}; waiting for it to end (Ctrl-C gives up)")
            time.sleep(_ASK_S)
        self._handle: int | None = handle

    def release(self) -> None:
        """Let go, and take the file away; again does nothing."""
        if self._handle is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def _tried(self) -> int | None:
        """The locked file's descriptor, or None when another process holds the lock."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise storage_error(error, self.path) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            current = os.stat(self.path)  # noqa: PTH116  # compared with a descriptor's
            if (current.st_dev, current.st_ino) != (os.fstat(handle).st_dev, os.fstat(handle).st_ino):
                raise FileNotFoundError  # its last holder took the file away between our two steps
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(_self()).encode(), 0)
        except (BlockingIOError, FileNotFoundError):
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        return handle


def holder_of(device: str) -> str | None:
    """Who holds a device's lock, in words; None when nobody does."""
    path = _path(device)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(path)
        return f"process {holder.get('pid', '?')} since {holder.get('since', '?')}: {holder.get('command', '?')}"
    finally:
        os.close(handle)
    return None


def start_time(pid: int) -> int | None:
    """A process's start in clock ticks since boot (/proc/PID/stat, field 22); None where the system has no /proc."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _self() -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "started": start_time(os.getpid()),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:500],
    }


def _path(device: str) -> Path:
    """Serials may hold anything: what is not plain becomes its code, so two devices never share a lock."""
    name = re.sub(r"[^A-Za-z0-9._-]", lambda match: f"%{ord(match[0]):x}", device)
    return cache_root() / "locks" / f"{name}.lock"


def _holder(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
