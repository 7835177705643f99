"""One device, open for measuring: its transport and everything a run must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from bench.staging import Stage
from bench.transports.protocol import Transport
from results.evidence import Clock


@dataclass
class Device:
    """An open device. Use it as a context manager: closing lets go of its connection and its lock.

    `workdir` is the folder on the device below which everything of ours lies; `cores` is the agent's
    `cores` value when nobody asks for others ("any", or a list such as "4-7").
    """

    name: str  # as it stands in evidence: "local", "adb:SERIAL", "ssh:user@host", "emulator"
    transport: Transport
    target: str  # linux-x86_64, linux-aarch64, android-arm64, android-x86_64
    clock: Clock
    workdir: str
    threads: int = 1
    cores: str = "any"
    texts: dict[str, str] = field(default_factory=dict)  # what identifies it: command or path -> raw text
    on_close: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Stage(self.transport, self.workdir)

    def close(self) -> None:
        """Undo what opening did, last first."""
        while self.on_close:
            self.on_close.pop()()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
