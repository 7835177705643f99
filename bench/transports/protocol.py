"""How the host reaches a device: push, pull, run. Everything else is built from these.

A transport knows bytes, paths and commands; it knows nothing of artifacts, trials or runtimes.
Remote paths and arguments are plain strings: quoting for a remote shell is the transport's own job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Progress = Callable[[int], None]  # bytes moved so far


@dataclass(frozen=True)
class Completed:
    """How a command on the device ended.

    `exit_status` is None when the connection broke before a status came back; `signal` names the
    signal that ended it ("SIGKILL"), where the transport can tell.
    """

    exit_status: int | None
    stdout: str
    stderr: str
    signal: str | None = None


class Transport(Protocol):
    """One connection to one device. Every method raises DeviceError when the device is lost."""

    @property
    def name(self) -> str:
        """ "local", "adb:SERIAL", "ssh:user@host"."""

    @property
    def shares_files(self) -> bool:
        """The device sees this computer's files under the same paths: nothing needs to be pushed."""

    @property
    def connections(self) -> int:
        """Changes when the connection is lost or made: what was known of the device's files is doubtful then."""

    def push(self, local: Path, remote: str, progress: Progress | None = None) -> None:
        """Copy a file to the device, parent folders made, mode bits kept (executables stay executable)."""

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from the device."""

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        deadline_s: float = 60.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a program to its end; `on_line` sees each line of stdout (without its newline) as it comes.

        `env` is added to the device's own environment. Past the deadline, and when `on_line` or a signal
        raises here, the remote process is ended first. A missed deadline raises DeviceError.
        """

    def close(self) -> None:
        """Let go of the connection; nothing of ours is left running on the device.

        May be called from another thread (Ctrl-C with several devices): a `run` in progress there then
        ends its program on the device and raises DeviceError.
        """
