"""`dumpsys battery`, from any vendor.

Every key is matched from its line's start (`Capacity level: 2` stands beside `level: 22`), and the first one counts:
the service's own lines come before the vendor's sections.
"""

from __future__ import annotations

import re
from typing import Final

from foundation.record import Record
from results.device_state.numbers import integer

STATUS_NAMES: Final = {1: "unknown", 2: "charging", 3: "discharging", 4: "not charging", 5: "full"}
_PLUGS: Final = {"AC powered": "ac", "USB powered": "usb", "Wireless powered": "wireless", "Dock powered": "dock"}


class Battery(Record):
    """None: not said, or not a number. A voltage of 0 is a driver that does not tell: None too."""

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
    values: dict[str, str] = {}
    for line in text.replace("\r", "").split("\n"):
        if match := re.match(r"[ \t]*([A-Za-z][A-Za-z ]*):[ \t]*(.*?)[ \t]*$", line):
            values.setdefault(match[1], match[2])
    level, scale = integer(values.get("level")), integer(values.get("scale"))
    percent = None
    if level is not None and level >= 0:
        percent = level if scale in (None, 100) or not scale else round(100 * level / scale)
    tenths, volts = integer(values.get("temperature")), integer(values.get("voltage"))
    plugs = {word: values[key] for key, word in _PLUGS.items() if values.get(key) in ("true", "false")}
    return Battery(
        level_percent=percent,
        status=STATUS_NAMES.get(integer(values.get("status")) or 0),
        plugs=tuple(word for word, value in plugs.items() if value == "true") if plugs else None,
        celsius=_celsius(tenths),
        voltage_mv=volts or None,
        present={"true": True, "false": False}.get(values.get("present", "")),
        technology=values.get("technology") or None,
    )


def _celsius(tenths: int | None) -> float | None:
    """Tenths of a degree; 0 and what no battery survives are what a driver without a sensor prints."""
    if not tenths or not -400 <= tenths <= 1200:
        return None
    return tenths / 10
