"""What every remote transport shares: running with a deadline, ending what we started, reconnecting.

The policy for lost connections lives here and nowhere else: a push or a pull is tried again over a new
connection; a run is not, because a measurement is not the same twice. The next call after a loss waits up
to `patience_s` for the device to come back.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from bench.transports.protocol import Completed, Progress
from bench.transports.remote_command import MarkedOutput, leftover_killed, wrapped
from bench.transports.signals import signal_of
from foundation.errors import DeviceError

ATTEMPTS = 3  # of a push or a pull, each over its own connection
PATIENCE_S = 90.0  # a phone that reboots is back within this
_SLICE_S = 0.5
_KILL_S = 5.0
_AFTER_MARK_S = 2.0

Stream = Literal["stdout", "stderr"]
Result = TypeVar("Result")


class LinkLost(Exception):
    """The connection broke. Says how, in the words of the library that noticed."""


class Process(Protocol):
    """A shell command that runs on the device."""

    def read(self, timeout_s: float) -> tuple[Stream, bytes] | None:
        """The next bytes; None at the end. Raises TimeoutError when none came in time, LinkLost."""

    def close(self) -> None:
        """Let go of it, ended or not."""


class Link(Protocol):
    """One connection, as a library offers it."""

    @property
    def stderr_apart(self) -> bool:
        """stdout and stderr arrive apart."""

    def start(self, command: str) -> Process:
        """Give a command to the device's shell. Raises LinkLost."""

    def send(self, local: Path, remote: str, mode: int, progress: Progress | None) -> None:
        """Write a file, folders made. Raises LinkLost, or DeviceError when the device refuses it."""

    def fetch(self, remote: str, local: Path) -> None:
        """Read a file. Raises LinkLost, or DeviceError when it cannot be read."""

    def close(self) -> None:
        """Close the connection. Never raises."""


class RemoteTransport:
    """A Transport over links that `connect` makes. `connect` raises DeviceError, retryable when waiting may help."""

    shares_files = False

    def __init__(self, name: str, connect: Callable[[], Link], patience_s: float | None = None) -> None:
        self.name = name
        self._made = 0
        self.patience_s = PATIENCE_S if patience_s is None else patience_s
        self._connect = connect
        self._link: Link | None = None
        self._leftovers: list[tuple[int, str]] = []
        self._running = False
        self._let_go = False  # set by close() from another thread

    @property
    def connections(self) -> int:
        """See the protocol. A lost connection counts as changed at once, not only when the next one is made."""
        return self._made + (self._link is None)

    def push(self, local: Path, remote: str, progress: Progress | None = None) -> None:
        """See the protocol. Raises DeviceError when the device has no space or stays away."""
        mode = local.stat().st_mode & 0o777
        self._again(lambda link: link.send(local, remote, mode, progress), f"{local.name} was pushed")

    def pull(self, remote: str, local: Path) -> None:
        """See the protocol. Raises DeviceError when the file is not there or the device stays away."""
        self._again(lambda link: link.fetch(remote, local), f"{remote} was pulled")

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        deadline_s: float = 60.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """See the protocol. A status is believed only when the wrapper's own end mark arrived."""
        link = self.connected()
        nonce = secrets.token_hex(12)
        output = MarkedOutput(nonce, on_line)
        what = f"{Path(argv[0]).name} ran"
        self._let_go, self._running = False, True
        try:
            process = link.start(wrapped(argv, nonce, cwd=cwd, env=env, stderr_apart=link.stderr_apart))
            try:
                in_time = self._followed(process, output, time.monotonic() + deadline_s)
            except BaseException:
                self._end(process, output.pid, nonce)
                raise
            if in_time and output.status is not None:
                process.close()
            else:
                self._end(process, output.pid, nonce)
        except LinkLost as error:
            raise self._lost(what, error) from error
        finally:
            self._running = False
        if self._let_go:
            raise DeviceError(f"{self.name} was let go of while {what}", retryable=True)
        if not in_time:
            raise DeviceError(
                f"{Path(argv[0]).name} was still running on {self.name} after {deadline_s:g} s and was ended",
                hint="raise the deadline, or see `bench doctor` for what slows this device",
                retryable=True,
            )
        if output.status is None:
            raise self._lost(what, LinkLost("the output ended without the end mark"))
        return Completed(output.status, output.out.text, output.err.text, signal_of(output.status))

    def close(self) -> None:
        """See the protocol. From another thread this ends the command that runs, within half a second."""
        self._let_go = True
        if not self._running:
            self._drop()

    def connected(self) -> Link:
        """The link, made anew when there is none; after a loss this waits for the device to come back."""
        if self._link is None:
            end = time.monotonic() + (self.patience_s if self._made else 0.0)
            while True:
                try:
                    self._link = self._connect()
                    break
                except DeviceError as error:
                    if not error.retryable or time.monotonic() >= end:
                        raise
                    time.sleep(min(1.0, max(0.05, end - time.monotonic())))
            self._made += 1
            while self._leftovers:
                self._kill_on(self._link, leftover_killed(*self._leftovers.pop()))
        return self._link

    def _again(self, action: Callable[[Link], Result], what: str) -> Result:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return action(self.connected())
            except LinkLost as error:
                lost = self._lost(what, error)
                if attempt == ATTEMPTS:
                    raise lost from error
            except BaseException:
                self._drop()  # half a transfer is still on its way
                raise
        raise AssertionError("unreachable")

    def _end(self, process: Process, pid: int | None, nonce: str) -> None:
        """End what runs: by closing its stream, by its id, and once more when the device is reached again."""
        process.close()
        if pid is not None:
            self._leftovers.append((pid, nonce))
            if self._link is not None and self._kill_on(self._link, leftover_killed(pid, nonce)):
                self._leftovers.pop()
        self._drop()

    def _kill_on(self, link: Link, command: str) -> bool:
        """True when the command was seen through to its end."""
        try:
            process = link.start(command)
            try:
                end = time.monotonic() + _KILL_S
                while time.monotonic() < end:
                    try:
                        if process.read(_SLICE_S) is None:
                            return True
                    except TimeoutError:
                        continue
            finally:
                process.close()
        except (LinkLost, DeviceError):
            return False  # the connection is gone; the next one tries again
        return False

    def _lost(self, what: str, error: LinkLost) -> DeviceError:
        self._drop()
        return DeviceError(
            f"{self.name} was lost while {what} ({error})",
            hint="check the cable or the network; finished trials are kept and `bench run --resume` goes on",
            retryable=True,
        )

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _followed(self, process: Process, output: MarkedOutput, end: float) -> bool:
        """Feed the output until the stream ends; False when `end` (monotonic seconds) came before the end mark.

        After the mark the rest of stderr gets a moment, no more: a grandchild may hold the stream open.
        """
        marked = False
        while not self._let_go:
            left = end - time.monotonic()
            if left <= 0:
                break
            try:
                piece = process.read(min(left, _SLICE_S))
            except TimeoutError:
                continue
            if piece is None:
                marked = True
                break
            stream, data = piece
            (output.feed if stream == "stdout" else output.err.feed)(data)
            if output.status is not None and not marked:
                marked = True
                end = min(end, time.monotonic() + _AFTER_MARK_S)
        output.finish()
        return marked
