"""Numbers in a device's text, when they are numbers."""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # longer ones are no reading of any device


def integer(text: str | None) -> int | None:
    """A decimal integer with nothing else on its line, else None ("Permission denied", empty, cut off)."""
    stripped = (text or "").strip()
    return int(stripped) if _INTEGER.fullmatch(stripped) else None


def decimal(text: str | None) -> float | None:
    """A finite decimal number, else None."""
    try:
        value = float((text or "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def integers(text: str) -> tuple[int | None, ...]:
    """One positive integer a line (a frequency, a capacity), None for a line that is not one; empty lines at the end
    do not count."""
    if not text.strip():
        return ()
    values = (integer(line) for line in text.replace("\r", "").rstrip().split("\n"))
    return tuple(value if value is not None and value > 0 else None for value in values)
