"""/proc/cpuinfo and the lists under /sys/devices/system/cpu."""

from __future__ import annotations

import re
from collections.abc import Mapping

from foundation.record import Record
from results.device_state.numbers import integer


class Core(Record):
    """One processor of /proc/cpuinfo. ARM gives implementer, part and variant; x86 gives a model name."""

    index: int
    implementer: int | None = None
    part: int | None = None
    variant: int | None = None
    model_name: str | None = None


class CpuInfo(Record):
    """/proc/cpuinfo. `hardware` and `board` are its last lines' Hardware and Model (Pi 3, 4 and 5 all say BCM2835)."""

    cores: tuple[Core, ...]
    hardware: str | None = None
    board: str | None = None
    features: tuple[str, ...] = ()  # that all cores have


def parse_cpuinfo(text: str) -> CpuInfo:
    """Keys repeat on old kernels (`Processor` is not `processor`) and separators are tabs or spaces.

    A kernel for one core may number none: its only core is 0.
    """
    cores: list[dict[str, str]] = []
    last: dict[str, str] = {}
    features: set[str] | None = None
    for line in text.replace("\r", "").split("\n"):
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not colon:
            continue
        if key == "processor" and (index := integer(value)) is not None and index >= 0:
            cores.append({"processor": value})
        elif key == "CPU implementer" and not cores:
            cores.append({"processor": "0", key: value})
        elif key in ("Features", "flags"):
            features = set(value.split()) if features is None else features & set(value.split())
        elif key in ("Hardware", "Model"):
            last[key] = value
        elif cores:
            cores[-1].setdefault(key, value)
    return CpuInfo(
        cores=tuple(
            Core(
                index=int(core["processor"]),
                implementer=_hexadecimal(core.get("CPU implementer")),
                part=_hexadecimal(core.get("CPU part")),
                variant=_hexadecimal(core.get("CPU variant")),
                model_name=core.get("model name") or None,
            )
            for core in cores
        ),
        hardware=last.get("Hardware") or None,
        board=last.get("Model") or None,
        features=tuple(sorted(features or ())),
    )


def parse_core_list(text: str | None) -> tuple[int, ...] | None:
    """`0-3,6` as (0, 1, 2, 3, 6); empty for an empty list; None when it is not a list of cores."""
    if text is None:
        return None
    found: set[int] = set()
    for part in text.strip().split(","):
        match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", part.strip())
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first or last >= 4096:
                return None
            found.update(range(first, last + 1))
        elif part.strip():
            return None
    return tuple(sorted(found))


def format_core_list(cores: tuple[int, ...]) -> str:
    """(0, 1, 2, 3, 6) as `0-3,6`."""
    parts: list[str] = []
    ordered = sorted(set(cores))
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[at - 1] + 1:
            first, last = ordered[start], ordered[at - 1]
            parts.append(str(first) if first == last else f"{first}-{last}")
            start = at
    return ",".join(parts)


def parse_frequencies(text: str) -> tuple[int, ...]:
    """One core's scaling_available_frequencies in kHz, lowest first (MediaTek's kernels print the highest first).

    Empty when the text is not all frequencies.
    """
    values = [integer(word) for word in text.split()]
    known = [value for value in values if value is not None and value > 0]
    return tuple(sorted(known)) if len(known) == len(values) else ()


def per_core(files: Mapping[str, str], name: str) -> dict[int, int]:
    """Core -> value of `.../cpuN/NAME` (cpu_capacity, cpufreq/cpuinfo_max_freq), for files that hold a number."""
    found: dict[int, int] = {}
    for path, text in files.items():
        match = re.search(rf"/cpu([0-9]{{1,5}})/{re.escape(name)}$", path)
        if match and (value := integer(text)) is not None:
            found[int(match[1])] = value
    return found


def _hexadecimal(text: str | None) -> int | None:
    return int(text, 16) if text and re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text) else None
