"""One device, open for measuring: its transport and everything a run must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from bench.devices.profiles import Profile
from bench.staging import Stage
from bench.transports.protocol import Transport
from results.device_state.core_groups import CoreGroups, chosen_cores
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
    groups: CoreGroups = field(default_factory=lambda: CoreGroups(groups=(), source="none"))
    model: str | None = None  # "Pixel 8", "Raspberry Pi 4 Model B Rev 1.4"
    android: bool = False
    profile: Profile = field(default_factory=lambda: Profile(name="local"))

    def __post_init__(self) -> None:
        self.stage = Stage(self.transport, self.workdir)

    def cores_for(self, asked: str | None) -> str:
        """The agent's `cores` value for what was asked: big, little, all, any, a mask, a list, or None for the
        device's own choice. Raises UsageError for a word that means nothing and for cores it does not have."""
        return self.cores if asked is None else chosen_cores(asked, self.groups)

    def close(self) -> None:
        """Undo what opening did, last first."""
        while self.on_close:
            self.on_close.pop()()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
