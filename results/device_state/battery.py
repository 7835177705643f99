"""`dumpsys battery`, from any vendor.

Every key is matched from its line's start (`Capacity level: 2` stands beside `level: 22`), and the first one behind
the service's heading counts: its own lines come before the vendor's sections.
"""

from __future__ import annotations

import re
from typing import Final

from foundation.record import Record
from results.device_state.numbers import integer

STATUS_NAMES: Final = {1: "unknown", 2: "charging", 3: "discharging", 4: "not charging", 5: "full"}
_PLUGS: Final = {"AC powered": "ac", "USB powered": "usb", "Wireless powered": "wireless", "Dock powered": "dock"}


class Battery(Record):
    """None: not said, not a number, or no value that a battery can have (a voltage of 0, a level of a battery that
    is not there): what a driver prints that does not know."""

    level_percent: int | None
    status: str | None
    plugs: tuple[str, ...] | None  # what powers it, () when nothing does, None when the text does not say
    celsius: float | None
    voltage_mv: int | None
    present: bool | None
    technology: str | None

    @property
    def plugged(self) -> bool | None:
        """Something powers the device."""
        return None if self.plugs is None else bool(self.plugs)


def parse_battery(text: str) -> Battery:
    """Read the dump; an error text in its place gives a Battery of which nothing is known."""
    lines = text.replace("\r", "").split("\n")
    heading = next((at for at, line in enumerate(lines) if "Battery Service state" in line), 0)
    values: dict[str, str] = {}
    for line in lines[heading:]:
        if match := re.match(r"[ \t]*([A-Za-z][A-Za-z ]*?)[ \t]*:[ \t]*(.*?)[ \t]*$", line):
            values.setdefault(match[1], match[2])
    present = {"true": True, "false": False}.get(values.get("present", ""))
    plugs = {word: values[key] for key, word in _PLUGS.items() if values.get(key) in ("true", "false")}
    return Battery(
        level_percent=None
        if present is False
        else _percent(integer(values.get("level")), integer(values.get("scale"))),
        status=STATUS_NAMES.get(integer(values.get("status")) or 0),
        plugs=tuple(word for word, value in plugs.items() if value == "true") if plugs else None,
        celsius=_celsius(integer(values.get("temperature"))),
        voltage_mv=_millivolts(integer(values.get("voltage"))),
        present=present,
        technology=values.get("technology") or None,
    )


def _percent(level: int | None, scale: int | None) -> int | None:
    """The level out of 100; None for one below nothing or above its own scale."""
    whole = scale if scale is not None and scale > 0 else 100
    if level is None or not 0 <= level <= whole:
        return None
    return round(100 * level / whole)


def _millivolts(number: int | None) -> int | None:
    """One or two cells in millivolts; some drivers print microvolts. Whole volts (4) are too coarse to be told."""
    if number is None:
        return None
    for unit in (1, 1000):
        if 2000 < number / unit < 10000:
            return round(number / unit)
    return None


def _celsius(tenths: int | None) -> float | None:
    """Tenths of a degree; 0 and what no battery survives are what a driver without a sensor prints."""
    if not tenths or not -400 <= tenths <= 1200:
        return None
    return tenths / 10
