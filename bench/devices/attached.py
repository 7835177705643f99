"""What is reachable right now, without opening anything: for `bench devices`, and for names that must be matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.devices.profiles import Profile
from bench.transports.adb import listed_devices, server_runs
from bench.transports.adb_texts import Listed
from foundation.errors import DeviceError


@dataclass(frozen=True)
class Attached:
    """Phones known to the adb server; `problem` says why there are none to know of."""

    phones: tuple[Listed, ...]
    problem: DeviceError | None = None


def attached() -> Attached:
    """Ask the adb server, if it runs; it is never started from here."""
    try:
        return Attached(listed_devices())
    except DeviceError as error:
        return Attached((), error)


def usb_serials() -> tuple[str, ...]:
    """Serials of phones on this computer's USB, found without an adb server; empty where libusb is missing."""
    if server_runs():
        return ()  # the server holds them, and lists them
    try:
        from adb_shell.transport.usb_transport import UsbTransport
        from usb1 import USBError
    except (ImportError, OSError):
        return ()
    found = []
    for phone in UsbTransport.find_all_adb_devices():
        try:
            found.append(str(phone.serial_number))
        except USBError:
            continue  # a phone that may not be opened does not tell its serial
    return tuple(found)


def several(profile: str, phones: Sequence[Listed]) -> DeviceError:
    """The error for a profile's name that more than one attached phone fits."""
    choices = ", ".join(f"adb:{phone.serial} ({(phone.model or '?').replace('_', ' ')})" for phone in phones)
    return DeviceError(f"{len(phones)} attached devices fit '{profile}'", hint=f"name one of: {choices}")


def best_profile(model: str | None, profiles: dict[str, Profile], kind: str) -> Profile:
    """The most special profile for a model: the user's before built-in ones, longer chains of bases first."""
    fitting = [
        profile
        for profile in profiles.values()
        if model and profile.fits(model) and kind in (profile.name, *profile.bases) and profile.device is None
    ]
    if not fitting:
        return profiles[kind]
    return max(fitting, key=lambda profile: (not profile.builtin, len(profile.bases)))
