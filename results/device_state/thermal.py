"""`dumpsys thermalservice` and the kernel's thermal zones.

The service's status counts, not a sensor's own: a Pixel 8 shows sensors with mStatus=1 under `Thermal Status: 0`.
Its readings are those of the block "Current temperatures from HAL"; the cached block may be 30 degrees hotter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from foundation.record import Record
from results.device_state.numbers import decimal, integer

STATUS_NAMES: Final = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")

# android.hardware.thermal TemperatureType. Volts, amperes and percent are no degrees (BCL_VOLTAGE 6, BCL_CURRENT 7,
# BCL_PERCENTAGE 8), and nobody says what a sensor of type -1 (UNKNOWN) counts.
_NOT_DEGREES: Final = frozenset({-1, 6, 7, 8})
_PLAUSIBLE: Final = (-40.0, 150.0)  # degrees Celsius; -273 and 0 exactly are what a sensor that is off shows

_READING = re.compile(
    r"Temperature\{mValue=(?P<value>[^{}]*?), mType=(?P<type>-?[0-9]{1,9}), mName=(?P<name>.*?)"
    r", mStatus=(?P<status>-?[0-9]{1,9})\}"
)
_HEADING = re.compile(r"\s*(?P<kind>(?:current|cached) temperatures\b|[A-Za-z][A-Za-z ]*(?=:\s*$))", re.IGNORECASE)
# A tool speaks the user's language, but it begins with its name: `cat: /sys/...: Aucun fichier ou dossier de ce type`.
_COMPLAINT = re.compile(
    r"-?(?:/\S+/)?(?:cat|ls|su|sudo|find|grep|head|tail|toybox|busybox|adb|\w*sh)(?:\[[0-9]+\])?: "
    r"|.*(?:No such file or directory|Permission denied)$"
)


class ThermalReading(Record):
    """One sensor. `value` is what was printed, whatever its unit; None: not a number."""

    name: str
    type: int
    value: float | None
    status: int

    @property
    def celsius(self) -> float | None:
        """Degrees Celsius; None for a sensor of something else, one that is off, or an impossible value."""
        return plausible(self.value) if self.type not in _NOT_DEGREES else None


class ThermalService(Record):
    """`dumpsys thermalservice`. `status` 0 none .. 6 shutdown; None: not said, or no such status."""

    status: int | None
    overridden: bool | None
    hal_ready: bool | None
    current: tuple[ThermalReading, ...]
    cached: tuple[ThermalReading, ...]

    def hottest(self, type: int) -> float | None:
        """Degrees Celsius of the hottest current sensor of a type (0 cpu, 1 gpu, 2 battery, 3 skin)."""
        found = [value for reading in self.current if reading.type == type and (value := reading.celsius) is not None]
        return max(found, default=None)


def parse_thermalservice(text: str) -> ThermalService:
    """Any Android's dump, whole or cut; what is missing is None or empty."""
    text = text.replace("\r", "")
    current: list[ThermalReading] = []
    cached: list[ThermalReading] = []
    block: list[ThermalReading] | None = None
    for line in text.split("\n"):
        if head := _HEADING.match(line):
            kind = head["kind"].lower()
            block = current if kind.startswith("current temp") else cached if kind.startswith("cached temp") else None
        for match in _READING.finditer(line):
            if block is not None:
                block.append(
                    ThermalReading(
                        name=match["name"].strip(),
                        type=int(match["type"]),
                        value=decimal(match["value"]),
                        status=int(match["status"]),
                    )
                )
    status = integer(_said(text, "Thermal Status"))
    return ThermalService(
        status=status if status is not None and 0 <= status < len(STATUS_NAMES) else None,
        overridden=_truth(_said(text, "IsStatusOverride")),
        hal_ready=_truth(_said(text, "HAL Ready")),
        current=tuple(current),
        cached=tuple(cached),
    )


def plausible(celsius: float | None) -> float | None:
    """The temperature if it can be one: not what a sensor shows that is off, absent or counts something else."""
    if celsius is None or celsius == 0.0 or not _PLAUSIBLE[0] <= celsius <= _PLAUSIBLE[1]:
        return None
    return celsius


def zone_celsius(text: str | None) -> float | None:
    """A thermal zone's `temp` in degrees Celsius; kernels print millidegrees, some drivers whole degrees."""
    value = integer(text)
    if value is None:
        return None
    return plausible(float(value) if abs(value) < 1000 else value / 1000)


class Zone(Record):
    """One thermal zone. `type` is the driver's name, not unique; None: not readable."""

    index: int
    type: str | None
    celsius: float | None


def zones(files: Mapping[str, str]) -> tuple[Zone, ...]:
    """Thermal zones of an agent's state: path -> text of `.../thermal_zoneN/type` and `.../temp`."""
    found: dict[int, dict[str, str]] = {}
    for path, text in files.items():
        if match := re.search(r"/thermal_zone([0-9]{1,5})/(type|temp)$", path):
            found.setdefault(int(match[1]), {})[match[2]] = text
    return tuple(
        Zone(index=index, type=_name(parts.get("type")), celsius=zone_celsius(parts.get("temp")))
        for index, parts in sorted(found.items())
    )


def parse_zone_types(text: str) -> tuple[str, ...]:
    """`cat .../thermal_zone*/type`: one name a line; empty when `cat` or `ls` complained."""
    lines = [line.strip() for line in text.replace("\r", "").split("\n") if line.strip()]
    return () if any(_complaint(line) for line in lines) else tuple(lines)


def parse_zone_temperatures(text: str) -> tuple[float | None, ...]:
    """`cat .../thermal_zone*/temp`: degrees Celsius a line, None where the line is not a temperature."""
    return tuple(zone_celsius(line) for line in text.replace("\r", "").split("\n") if line.strip())


def parse_zone_pairs(text: str) -> tuple[Zone, ...]:
    """Lines `type: temp`, as people join them; lines that are neither are left out."""
    found: list[Zone] = []
    for line in text.replace("\r", "").split("\n"):
        name, colon, value = line.rpartition(":")
        if colon and name.strip() and integer(value) is not None:
            found.append(Zone(index=len(found), type=name.strip(), celsius=zone_celsius(value)))
    return tuple(found)


def hottest(readings: Sequence[Zone]) -> float | None:
    """Degrees Celsius of the hottest zone that shows a temperature."""
    return max((zone.celsius for zone in readings if zone.celsius is not None), default=None)


def _said(text: str, key: str) -> str | None:
    match = re.search(rf"^\s*{re.escape(key)}:[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    return match[1] if match else None


def _truth(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get((text or "").lower())


def _name(text: str | None) -> str | None:
    return (text or "").strip() or None


def _complaint(line: str) -> bool:
    return bool(_COMPLAINT.match(line.strip()))
