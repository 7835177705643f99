"""Everything that could be measured from here, with its state and what to do where it is not ready."""

from __future__ import annotations

import textwrap
from pathlib import Path

from bench.devices.attached import attached, best_profile, several, usb_serials
from bench.devices.lock import holder_of
from bench.devices.profiles import load_profiles
from bench.devices.reach import normal_address
from bench.transports.adb_texts import Listed
from device_agents.emulator import board as boards
from foundation.errors import DeviceError
from foundation.record import Record
from results.device_state.cpuinfo import parse_cpuinfo


class Reachable(Record):
    """One device. `name` is what --device takes; `cure` what to do next when the state is not "ready"."""

    name: str
    kind: str  # local, phone, board, emulator
    state: str
    model: str | None = None
    profile: str
    cure: str = ""


def inventory() -> tuple[list[Reachable], list[DeviceError]]:
    """All of them, and what stands in the way: no adb server, a profile's name that several phones fit. Boards over
    ssh are connected to."""
    profiles = load_profiles()
    found = [_lockable(Reachable(name="local", kind="local", state="ready", model=_own_model(), profile="local"))]
    problems: list[DeviceError] = []
    seen = attached()
    if seen.problem is not None:
        problems.append(seen.problem)
    kinds: dict[str, list[Listed]] = {}
    for phone in seen.phones:
        model = (phone.model or "").replace("_", " ") or None
        profile_name = best_profile(model, profiles, "android").name
        if phone.ready:
            kinds.setdefault(profile_name, []).append(phone)
        found.append(
            _lockable(
                Reachable(
                    name=f"adb:{phone.serial}",
                    kind="phone",
                    state="ready" if phone.ready else phone.state,
                    model=model,
                    profile=profile_name,
                    cure=phone.cure,
                )
            )
        )
    problems += [several(name, phones) for name, phones in kinds.items() if len(phones) > 1]
    for serial in usb_serials():
        found.append(_lockable(Reachable(name=f"adb:{serial}", kind="phone", state="ready", profile="android")))
    running = {board.name: board for board in boards.running()}
    for name in dict.fromkeys(["default", *running]):
        address = "emulator" if name == "default" else f"emulator:{name}"
        state = "ready" if name in running else "not running"
        cure = "" if name in running else "it starts when it is named"
        model = f"emulated {running[name].cpu}" if name in running else "emulated ARM board"
        found.append(
            _lockable(Reachable(name=address, kind="emulator", state=state, model=model, profile="emulator", cure=cure))
        )
    for profile in profiles.values():
        if profile.device and not profile.builtin and profile.device.startswith("ssh:"):
            found.append(_board(profile.name, profile.device))
    return found, problems


def _own_model() -> str | None:
    """What this machine calls itself: a board's name, else its processor's."""
    try:
        found = parse_cpuinfo(Path("/proc/cpuinfo").read_text(errors="replace"))
    except OSError:
        return None
    return found.board or next((core.model_name for core in found.cores if core.model_name), None)


def _lockable(device: Reachable) -> Reachable:
    """In use by another process, if it is."""
    holder = holder_of(normal_address(device.name))
    if holder is None or device.state != "ready":
        return device
    held = textwrap.shorten(f"held by {holder}", 120, placeholder=" ...")
    return device.model_copy(update={"state": "in use", "cure": held})


def _board(name: str, address: str) -> Reachable:
    from bench.devices.identity import identify
    from bench.devices.reach import transport_for

    transport = transport_for(address)
    try:
        identity = identify(transport)
    except DeviceError as error:
        return Reachable(
            name=name, kind="board", state="not reachable", profile=name, cure=f"{error.message}; {error.hint}"
        )
    finally:
        transport.close()
    return _lockable(Reachable(name=name, kind="board", state="ready", model=identity.model, profile=name))
