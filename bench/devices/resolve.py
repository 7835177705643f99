"""From the name a person gives to one device: found first, opened later."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from bench.devices.attached import Attached, attached, best_profile, several
from bench.devices.device import Device
from bench.devices.identity import identify
from bench.devices.lock import DeviceLock
from bench.devices.profiles import Profile, load_profiles
from bench.devices.reach import board_at, normal_address, transport_for
from foundation.cache import cache_root, storage_error
from foundation.errors import DeviceError, UsageError
from results.device_state.core_groups import chosen_cores, default_cores
from results.evidence import BOARD_TEXTS, Clock


@dataclass(frozen=True)
class DeviceHandle:
    """A device that was found but not opened: nothing is locked or connected yet.

    `name` is how evidence calls it, and resolves to the same device again. `address` is local, emulator,
    emulator:BOARD, adb:SERIAL, adb:HOST:PORT or ssh:DESTINATION.
    """

    name: str
    clock: Clock
    address: str
    profile: Profile

    def open(self, *, wait: bool = True, say: Callable[[str], None] | None = None) -> Device:
        """Lock and connect. With `wait` false a device in use by another process is refused.

        Raises DeviceError when the device refuses us, is not there, or no agent exists for its kind.
        """
        with ExitStack() as undo:
            undo.callback(DeviceLock(normal_address(self.address), wait=wait, say=say).release)
            transport = transport_for(self.address)
            undo.callback(transport.close)
            identity = identify(transport)
            profile = self.profile
            if profile.name == "android":  # the model is known only now
                profile = best_profile(identity.model, load_profiles(), "android")
            device = Device(
                name=self.name,
                transport=transport,
                target=identity.target,
                clock=self.clock,
                workdir=_workdir(profile, transport.shares_files, identity.android),
                threads=profile.threads,
                cores=chosen_cores(profile.cores, identity.groups) if profile.cores else default_cores(identity.groups),
                texts={**identity.texts, **_board_texts(self.address)},
                groups=identity.groups,
                model=identity.model,
                android=identity.android,
                profile=profile,
            )
            if not transport.shares_files:
                device.workdir = _made(device)
                device.stage.workdir = device.workdir
            device.on_close.append(undo.pop_all().close)
        return device


def resolve(name: str) -> DeviceHandle:
    """The device that `name` means: local, emulator, adb:SERIAL, adb:HOST:PORT, ssh:USER@HOST, or a profile.

    Raises UsageError listing the choices for a name that means nothing, DeviceError when it means none or
    several of the attached devices.
    """
    profiles = load_profiles()
    if name in profiles:
        return _of_profile(profiles[name], profiles)
    kind, colon, rest = name.partition(":")
    if colon and rest and kind in ("adb", "ssh", "emulator"):
        base = {"adb": "android", "ssh": "rpi", "emulator": "emulator"}[kind]
        profile = profiles[base]
        if kind == "ssh":
            fitting = [each for each in profiles.values() if each.device == name]
            profile = fitting[0] if fitting else profile.model_copy(update={"name": "ssh", "device": name})
        return DeviceHandle(name, _clock(name, profile), name, profile)
    known = [*profiles, *(f"adb:{phone.serial}" for phone in attached().phones)]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    raise UsageError(
        f"no device is called '{name}'{meant}",
        hint=f"devices are: {', '.join(known)}, adb:SERIAL, adb:HOST:PORT, ssh:USER@HOST",
    )


def _of_profile(profile: Profile, profiles: dict[str, Profile]) -> DeviceHandle:
    if profile.name in ("rpi", "rpi3", "rpi4", "rpi5") and profile.builtin:
        profile = _board_of(profile, profiles)
    if profile.device:
        resolvable = profile.device if profile.builtin and profile.name != profile.device else profile.name
        return DeviceHandle(resolvable, _clock(profile.device, profile), profile.device, profile)
    seen = attached()
    fitting = [phone for phone in seen.phones if phone.ready and phone.model and profile.fits(phone.model)]
    if len(fitting) == 1:
        address = f"adb:{fitting[0].serial}"
        return DeviceHandle(address, _clock(address, profile), address, profile)
    if fitting:
        raise several(profile.name, fitting)
    raise _nothing_fits(profile, seen)


def _board_of(profile: Profile, profiles: dict[str, Profile]) -> Profile:
    """The one board that the user's configuration has of this kind, else the built-in address."""
    own = [each for each in profiles.values() if not each.builtin and each.device and profile.name in each.bases]
    if len(own) > 1:
        raise DeviceError(
            f"{len(own)} configured boards are of the kind '{profile.name}'",
            hint=f"name one of: {', '.join(each.name for each in own)}",
        )
    return own[0] if own else profile


def _nothing_fits(profile: Profile, seen: Attached) -> DeviceError:
    if seen.problem is not None:
        return seen.problem
    waiting = [phone for phone in seen.phones if not phone.ready]
    if waiting:
        first = waiting[0]
        return DeviceError(f"adb:{first.serial} is {first.state}", hint=first.cure, retryable=True)
    listed = ", ".join(f"adb:{phone.serial} ({(phone.model or '?').replace('_', ' ')})" for phone in seen.phones)
    return DeviceError(
        f"no attached device fits '{profile.name}'",
        hint=f"attached are: {listed}" if listed else "attach one with USB debugging on; `bench devices` lists them",
        retryable=True,
    )


def _clock(address: str, profile: Profile) -> Clock:
    """An emulated board's own clock, however it is reached: instructions are never taken for nanoseconds."""
    board = board_at(address)
    return board.clock if board is not None else profile.clock


def _board_texts(address: str) -> dict[str, str]:
    """What must be equal for instruction counts to be comparable, where the address is an emulated board's."""
    board = board_at(address)
    return {} if board is None else dict(zip(BOARD_TEXTS, (board.cpu, board.qemu_version), strict=True))


def _workdir(profile: Profile, shared: bool, android: bool) -> str:
    if not shared:
        return profile.workdir or ("/data/local/tmp/pocketbench" if android else ".pocketbench")
    folder = cache_root() / "device"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    return str(folder)


def _made(device: Device) -> str:
    """The working folder, made, as an absolute path. Raises DeviceError when the device refuses it."""
    script = 'mkdir -p -- "$1" && cd -- "$1" && pwd -P'
    done = device.transport.run(["sh", "-c", script, "sh", device.workdir])
    if done.exit_status != 0 or not done.stdout.startswith("/"):
        raise DeviceError(
            f"{device.name}: cannot make the folder {device.workdir}: {done.stderr.strip() or 'no answer'}",
            hint="give this device another `workdir` in devices.yaml, or free some space on it",
        )
    return done.stdout.rstrip("\n")
