"""From the name a person gives to one device."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from bench.devices.device import Device
from bench.transports.local import LocalTransport
from foundation.cache import cache_root, storage_error
from foundation.errors import DeviceError, UsageError
from results.evidence import Clock


@dataclass(frozen=True)
class DeviceHandle:
    """A device that was found but not opened: nothing is locked or connected yet."""

    name: str
    clock: Clock = "nanoseconds"

    def open(self) -> Device:
        """Connect. Raises DeviceError when the device refuses or no bundle exists for it."""
        machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
        if platform.system() != "Linux" or machine not in ("x86_64", "aarch64"):
            raise DeviceError(
                f"this computer ({platform.system()} {machine}) cannot be measured: agents exist for Linux and Android",
                hint="measure a phone or a board from here with --device, or run bench on Linux",
            )
        workdir = cache_root() / "device"
        try:
            workdir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, workdir) from error
        return Device(
            name="local",
            transport=LocalTransport(),
            target=f"linux-{machine}",
            clock="nanoseconds",
            workdir=str(workdir),
        )


def resolve(name: str) -> DeviceHandle:
    """The device that `name` means. Raises UsageError listing the choices when there is none."""
    if name == "local":
        return DeviceHandle("local")
    raise UsageError(f"no device is called '{name}'", hint="devices are: local")
