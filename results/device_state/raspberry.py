"""What a Raspberry Pi tells: vcgencmd's answers and the firmware's throttle bits."""

from __future__ import annotations

import re
from typing import Final

from foundation.record import Record
from results.device_state.numbers import decimal
from results.device_state.thermal import plausible

# Bit -> meaning: 0-3 now, 16-19 since boot (Raspberry Pi documentation, vcgencmd get_throttled).
BITS: Final = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


class Throttled(Record):
    """The throttle bits. Compare `since_boot` before and after a trial: what is new happened during it."""

    bits: int

    @property
    def now(self) -> tuple[str, ...]:
        """What limits the processor at this moment."""
        return tuple(name for bit, name in BITS.items() if self.bits >> bit & 1)

    @property
    def since_boot(self) -> tuple[str, ...]:
        """What has limited it at some time since the board started."""
        return tuple(name for bit, name in BITS.items() if self.bits >> (bit + 16) & 1)

    def newly(self, before: Throttled) -> tuple[str, ...]:
        """What limits it now, or has begun to since `before`."""
        fresh = Throttled(bits=self.bits & ~before.bits)
        return tuple(name for name in BITS.values() if name in self.now or name in fresh.since_boot)


def parse_throttled(text: str) -> Throttled | None:
    """`throttled=0x50005` anywhere in the text, or the bare number of /sys/.../get_throttled (hexadecimal)."""
    match = re.search(r"\bthrottled=0x([0-9a-fA-F]+)\b", text) or re.fullmatch(r"\s*(?:0x)?([0-9a-fA-F]{1,8})\s*", text)
    return Throttled(bits=int(match[1], 16)) if match else None


def parse_throttled_binary(text: str) -> Throttled | None:
    """sbc-bench's picture: a line of 19 or 20 binary digits, highest bit first."""
    match = re.search(r"^\s*([01]{17,20})\s*$", text, re.MULTILINE)
    return Throttled(bits=int(match[1], 2)) if match else None


def parse_temperature(text: str) -> float | None:
    """`temp=57.9'C` (the apostrophe may be lost) in degrees Celsius."""
    match = re.search(r"\btemp=(-?[0-9.]+)\s*['’´`°º]?\s*C\b", text)
    return plausible(decimal(match[1])) if match else None


def parse_clock(text: str) -> int | None:
    """`frequency(48)=1800457088` in Hz; the clock's number differs between firmwares. 0: the clock is off, None."""
    match = re.search(r"\bfrequency\([0-9]+\)=([0-9]{1,12})\b", text)
    return int(match[1]) or None if match else None


def parse_volts(text: str) -> float | None:
    """`volt=1.2000V` in volts; 0: the rail is off, None."""
    match = re.search(r"\bvolt=([0-9.]+)V", text)
    return decimal(match[1]) or None if match else None


def parse_pmic(text: str) -> dict[str, float]:
    """`pmic_read_adc` of a Pi 5: rail -> volts or amperes, as the name's last letter says."""
    found: dict[str, float] = {}
    for name, number in re.findall(r"(\w+_[VA])\s+(?:volt|current)\([0-9]+\)=([0-9.]+)[VA]", text):
        if (value := decimal(number)) is not None:
            found[name] = value
    return found


def parse_load(text: str) -> tuple[float, float, float] | None:
    """Load averages of 1, 5 and 15 minutes, from `uptime` (whose decimal mark may be a comma) or /proc/loadavg."""
    number = r"([0-9]{1,6}[.,][0-9]{1,6})"
    match = re.search(rf"load averages?:\s*{number},?\s+{number},?\s+{number}", text) or re.match(
        rf"\s*{number} {number} {number} [0-9]+/[0-9]+ [0-9]+", text
    )
    if match is None:
        return None
    one, five, fifteen = (float(value.replace(",", ".")) for value in match.groups())
    return one, five, fifteen
