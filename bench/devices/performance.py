"""Android's fixed-performance mode: on while we measure, off afterwards, even when we crashed in between.

A marker on this computer says that we switched it on; the next run on that device, whoever makes it, undoes it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from bench.devices.device import Device
from foundation.cache import cache_root, storage_error
from foundation.errors import DeviceError

_COMMAND = ("cmd", "power", "set-fixed-performance-mode-enabled")


def hold_fixed_performance(device: Device, say: Callable[[str], None] | None = None) -> bool:
    """Switch the mode on until `device` is closed. False where the device does not offer it (before Android 11,
    or a maker left it out): measuring goes on without it.

    What a crashed run left on is switched off first. Raises DeviceError when the device is lost.
    """
    undo_leftover(device, say)
    if not device.android or not device.profile.fixed_performance:
        return False
    marker = _marker(device)
    try:  # before the switch: a crash in between leaves a marker too many, never one too few
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(device.name)
    except OSError as error:
        raise storage_error(error, marker) from error
    if not _switched(device, True):
        marker.unlink(missing_ok=True)
        return False
    device.on_close.append(lambda: _undone(device, marker))
    return True


def undo_leftover(device: Device, say: Callable[[str], None] | None = None) -> bool:
    """Switch off what a run that crashed left on; True when there was something to undo."""
    marker = _marker(device)
    if not marker.exists():
        return False
    if _switched(device, False):
        marker.unlink(missing_ok=True)
        (say or _to_stderr)(f"{device.name}: switched off the fixed-performance mode that an earlier run left on")
    return True


def _undone(device: Device, marker: Path) -> None:
    try:
        if _switched(device, False):
            marker.unlink(missing_ok=True)
    except DeviceError as error:
        _to_stderr(f"{device.name}: fixed-performance mode is still on ({error.message}); the next run switches it off")


def _switched(device: Device, on: bool) -> bool:
    """True when the device did it: `cmd` answers an unknown command with its help, or with a security exception."""
    done = device.transport.run([*_COMMAND, "true" if on else "false"], deadline_s=30)
    said = done.stdout + done.stderr
    return done.exit_status == 0 and not re.search(r"unknown command|exception|not supported|usage|help", said, re.I)


def _marker(device: Device) -> Path:
    name = re.sub(r"[^A-Za-z0-9._-]", lambda match: f"%{ord(match[0]):x}", device.name)
    return cache_root() / "fixed_performance" / name


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
