"""The qemu command line of the board, and qemu's own version."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from foundation.errors import BuildError

PROGRAM: Final = "qemu-system-aarch64"
CPU: Final = "cortex-a76"  # pinned: the runtimes choose their kernels by the CPU's features
MEMORY_MIB: Final = 2048  # what the guest may use; the host gives pages as they are touched
ADB_PORT: Final = 5555  # inside the guest
SSH_PORT: Final = 22

# One instruction is one nanosecond of the guest's clock. `sleep=on` lets an idle guest's clock follow the host's:
# with `sleep=off` an idle board burns a whole host core and its clock jumps from timer to timer, hours in a minute.
# Counts while the guest computes are the same (docs/decisions.md).
DETERMINISTIC: Final = ("-icount", "shift=0,sleep=on,align=off", "-smp", "1")
FREE: Final = ("-smp", "2")

# Address randomisation moves instruction counts from boot to boot; the crypto self-tests of the kernel take the CPU
# in turns with whatever runs during the first second.
KERNEL_ARGUMENTS: Final = "console=ttyAMA0 quiet panic=-1 rdinit=/init norandmaps nokaslr cryptomgr.notests=1"


def find() -> str:
    """Path of the emulator. Raises BuildError with the command that installs it."""
    path = shutil.which(PROGRAM)
    if path is None:
        raise BuildError(
            f"the emulated board needs {PROGRAM}, which is not on this machine",
            hint="run: apt-get install qemu-system-arm",
        )
    return path


def version() -> str:
    """qemu's version, such as 7.2.22; part of what a stored result must state."""
    said = subprocess.run([find(), "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"version (\S+)", said)
    if match is None:
        raise BuildError(f"{PROGRAM} does not say its version", hint="run: apt-get install --reinstall qemu-system-arm")
    return match[1]


def command(
    *, name: str, deterministic: bool, kernel: Path, root: Path, console: Path, adb_port: int, ssh_port: int
) -> list[str]:
    """The whole command line. The guest reaches nothing outside; only 127.0.0.1 reaches the guest."""
    forwards = f"hostfwd=tcp:127.0.0.1:{adb_port}-:{ADB_PORT},hostfwd=tcp:127.0.0.1:{ssh_port}-:{SSH_PORT}"
    return [
        find(),
        *("-M", "virt", "-cpu", CPU, "-m", str(MEMORY_MIB)),
        *(DETERMINISTIC if deterministic else FREE),
        *("-rtc", "base=2026-01-01,clock=vm"),  # the same date at every boot
        *("-kernel", str(kernel), "-initrd", str(root), "-append", f"{KERNEL_ARGUMENTS} board.name={name}"),
        *("-netdev", f"user,id=net,restrict=on,{forwards}", "-device", "virtio-net-pci,netdev=net,romfile="),
        *("-display", "none", "-monitor", "none", "-no-reboot"),
        *("-serial", f"file:{str(console).replace(',', ',,')}"),
    ]
