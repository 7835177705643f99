"""This computer as a device: a subprocess in a group of its own, so that nothing of it outlives its run."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.transports.lines import LineFeed
from bench.transports.protocol import Completed, Progress
from foundation.errors import DeviceError

_CHUNK = 1 << 16


class LocalTransport:
    """Runs programs here. Files are already here, so staging copies nothing."""

    name = "local"
    shares_files = True
    connections = 1

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def push(self, local: Path, remote: str, progress: Progress | None = None) -> None:
        """Copy a file, parent folders made. Raises DeviceError when the disk refuses."""
        target = Path(remote)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(local, target)
        except OSError as error:
            raise DeviceError(f"cannot write {remote}: {error.strerror or error}", hint="free some space") from error
        if progress is not None:
            progress(target.stat().st_size)

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file back. Raises DeviceError when it is not there."""
        try:
            shutil.copy2(remote, local)
        except OSError as error:
            raise DeviceError(f"cannot copy {remote}: {error.strerror or error}") from error

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        deadline_s: float = 60.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """See the protocol. Raises DeviceError when the program cannot be started or misses its deadline."""
        try:
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise DeviceError(f"cannot start {argv[0]}: {error.strerror or error}") from error
        out, err = LineFeed(on_line), LineFeed()
        self._running.add(process)
        try:
            if not _drain(process, out, err, time.monotonic() + deadline_s):
                raise DeviceError(
                    f"{Path(argv[0]).name} was still running after {deadline_s:g} s and was ended",
                    hint="raise the deadline, or see `bench doctor` for what slows this device",
                    retryable=True,
                )
        finally:
            self._running.discard(process)
            _end_group(process)
        status = process.returncode
        if status < 0:
            return Completed(128 - status, out.text, err.text, signal.Signals(-status).name)
        return Completed(status, out.text, err.text)

    def close(self) -> None:
        """End what another thread is running here; nothing is held between runs."""
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):  # it ended by itself in the meantime
                os.killpg(process.pid, signal.SIGKILL)


def _drain(process: subprocess.Popen[bytes], out: LineFeed, err: LineFeed, end: float) -> bool:
    """Feed both streams until they close and the process has ended; False past `end` (monotonic seconds)."""
    assert process.stdout is not None
    assert process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, out)
        selector.register(process.stderr, selectors.EVENT_READ, err)
        while selector.get_map():
            left = end - time.monotonic()
            if left <= 0:
                return False
            for key, _ in selector.select(left):
                data = os.read(key.fd, _CHUNK)
                key.data.feed(data, final=not data)
                if not data:
                    selector.unregister(key.fileobj)
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left of the process's group (it leads one), then reap it and close its pipes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.poll()  # the whole group is gone already
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
