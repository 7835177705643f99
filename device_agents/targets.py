"""The targets: what a bundle is built for, and the releases it is built from."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Final

from foundation.errors import UsageError

ONNXRUNTIME: Final = "1.31.1"
LITERT: Final = "2.3.0"
DEBIAN_SUITE: Final = "bookworm"  # glibc 2.36: both runtimes run on it


@dataclass(frozen=True)
class Target:
    """A kind of device. `carries_libc`: the device has no glibc, so the bundle brings one with its loader."""

    name: str
    machine: str  # as `uname -m` prints it
    debian: str  # Debian's name of the architecture
    loader: str  # file name of glibc's dynamic loader
    elf_machine: int  # e_machine of the ELF header
    carries_libc: bool

    @property
    def zig(self) -> str:
        """The compiler's target; glibc 2.28 is the oldest that the runtimes run on."""
        return f"{self.machine}-linux-gnu.2.28"


TARGETS: Final = {
    target.name: target
    for target in (
        Target("linux-x86_64", "x86_64", "amd64", "ld-linux-x86-64.so.2", 62, False),
        Target("linux-aarch64", "aarch64", "arm64", "ld-linux-aarch64.so.1", 183, False),
        Target("android-arm64", "aarch64", "arm64", "ld-linux-aarch64.so.1", 183, True),
        Target("android-x86_64", "x86_64", "amd64", "ld-linux-x86-64.so.2", 62, True),
    )
}


def target_named(name: str) -> Target:
    """The target of that name. Raises UsageError listing them."""
    if name not in TARGETS:
        raise UsageError(f"there is no target {name!r}", hint=f"choose one of {', '.join(TARGETS)}")
    return TARGETS[name]


def own_target() -> Target:
    """This machine's target. Raises UsageError on a machine that is none."""
    return target_named(f"{platform.system().lower()}-{platform.machine()}")
