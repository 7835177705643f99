"""What the agent cannot read itself: Android's services and a Raspberry Pi's firmware, asked by shell."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from bench.devices.device import Device
from results.device_state.battery import Battery, parse_battery
from results.device_state.raspberry import Throttled, parse_throttled
from results.device_state.thermal import ThermalService, parse_thermalservice

_ANDROID = ("dumpsys thermalservice", "dumpsys battery")
_BOARD = ("vcgencmd get_throttled", "vcgencmd measure_temp", "vcgencmd measure_clock arm")
_TIMEOUT_S = 30.0


def shell_state(device: Device) -> dict[str, str]:
    """Command -> its text, for those commands that this kind of device has. One round trip; empty where none is.

    Raises DeviceError when the device is lost.
    """
    commands = _ANDROID if device.android else _BOARD if "Raspberry Pi" in (device.model or "") else ()
    if not commands:
        return {}
    mark = secrets.token_hex(8)
    parts = (
        f'if command -v {command.split()[0]} >/dev/null 2>&1; then printf "\\n{mark} {command}\\n"; {command} 2>&1; fi'
        for command in commands
    )
    done = device.transport.run(["sh", "-c", "\n".join(parts)], deadline_s=_TIMEOUT_S)
    found = (part.partition("\n") for part in done.stdout.split(f"\n{mark} ")[1:])
    return {command: text for command, _, text in found}


def thermal_of(texts: Mapping[str, str]) -> ThermalService | None:
    """The thermal service's word, where the texts have it."""
    text = texts.get("dumpsys thermalservice")
    return None if text is None else parse_thermalservice(text)


def battery_of(texts: Mapping[str, str]) -> Battery | None:
    """The battery service's word, where the texts have it."""
    text = texts.get("dumpsys battery")
    return None if text is None else parse_battery(text)


def throttled_of(texts: Mapping[str, str]) -> Throttled | None:
    """The firmware's throttle bits, where the texts have them."""
    return parse_throttled(texts.get("vcgencmd get_throttled", "")) if "vcgencmd get_throttled" in texts else None
