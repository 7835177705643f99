"""Which cores are big, which are little: groups of equal cores, slowest first.

From measured capacity (1024 = the fastest core at its highest frequency), else from the design times the highest
frequency, else from whichever of the two is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from foundation.errors import UsageError
from foundation.record import Record
from results.device_state.core_designs import ranks
from results.device_state.cpuinfo import CpuInfo, format_core_list, parse_core_list

_SAME_X86_FREQUENCY: Final = 0.8  # favoured cores of one kind differ by some percent, efficiency cores by far more
_SAME_DESIGN: Final = (
    0.97  # two clusters of one design, binned a step apart (RK3588: 2.256 and 2.304 GHz), are one kind
)


class Group(Record):
    """Equal cores. `value` orders groups and has the unit of what they were told apart by."""

    cores: tuple[int, ...]
    value: float | None


class CoreGroups(Record):
    """All online cores in groups, slowest first. `source`: capacity, frequency, design, "design and
    frequency", or none (taken as equal)."""

    groups: tuple[Group, ...]
    source: str

    @property
    def cores(self) -> tuple[int, ...]:
        """Every core."""
        return tuple(sorted(core for group in self.groups for core in group.cores))

    @property
    def big(self) -> tuple[int, ...]:
        """The cluster of biggest cores."""
        return self.groups[-1].cores if self.groups else ()

    @property
    def little(self) -> tuple[int, ...]:
        """The cluster of smallest cores; all of them where they do not differ."""
        return self.groups[0].cores if self.groups else ()

    @property
    def differ(self) -> bool:
        """There is more than one kind."""
        return len(self.groups) > 1


def core_groups(
    capacity: Mapping[int, int], max_frequency_khz: Mapping[int, int], cpuinfo: CpuInfo, online: tuple[int, ...] | None
) -> CoreGroups:
    """Group the online cores by the first source that tells of all of them and tells them apart.

    A little core may run at a higher clock than a big one (Amlogic S922X: A53 at 1.9, A73 at 1.8 GHz), so frequency
    is multiplied with the design's rank where the designs are known.
    """
    known = set(online or ()) or {core.index for core in cpuinfo.cores} or set(max_frequency_khz) or set(capacity)
    if not known:
        return CoreGroups(groups=(), source="none")
    x86 = any(core.model_name and core.part is None for core in cpuinfo.cores)
    capacities = _complete({core: float(value) for core, value in capacity.items() if value > 0}, known)
    frequencies = _complete({core: float(value) for core, value in max_frequency_khz.items() if value > 0}, known)
    designs = _complete(ranks(cpuinfo.cores), known)
    weighted = {core: designs[core] * frequencies[core] for core in known} if designs and frequencies else {}
    if not weighted:
        told_by = "frequency" if frequencies else "design"
    elif len(set(designs.values())) == 1:
        told_by = "frequency"
    else:
        told_by = "design" if len(set(frequencies.values())) == 1 else "design and frequency"
    for source, values in (("capacity", capacities), (told_by, weighted or frequencies), ("design", designs)):
        groups = _grouped(values, designs, _SAME_X86_FREQUENCY if x86 else None)
        if len(groups) > 1:
            return CoreGroups(groups=groups, source=source)
    source = "capacity" if capacities else told_by if frequencies or designs else "none"
    return CoreGroups(groups=(Group(cores=tuple(sorted(known)), value=None),), source=source)


def chosen_cores(asked: str, groups: CoreGroups) -> str:
    """The agent's `cores` value for `big`, `little`, `all`, `any`, a mask (0xf0) or a list (4-7,2).

    Raises UsageError for another word, and for cores that the device does not have.
    """
    word = asked.strip().lower()
    if word == "any":
        return "any"
    if word in ("big", "little", "all"):
        cores = {"big": groups.big, "little": groups.little, "all": groups.cores}[word]
        return format_core_list(cores) if cores else "any"
    if word.startswith("0x"):
        try:
            mask = int(word, 16)
        except ValueError:
            mask = 0
        listed: tuple[int, ...] | None = tuple(core for core in range(mask.bit_length()) if mask >> core & 1)
    else:
        listed = parse_core_list(word)
    if not listed:
        raise UsageError(
            f"--cores {asked}: not big, little, all, any, a mask such as 0xf0, or a list such as 4-7",
            hint=_described(groups),
        )
    absent = [core for core in listed if groups.cores and core not in groups.cores]
    if absent:
        raise UsageError(
            f"--cores {asked}: the device has no core {format_core_list(tuple(absent))}",
            hint=f"its cores are {format_core_list(groups.cores)}",
        )
    return format_core_list(listed)


def _described(groups: CoreGroups) -> str:
    if not groups.groups:
        return "this device does not tell its cores apart: use any"
    kinds = f", big {format_core_list(groups.big)}, little {format_core_list(groups.little)}" if groups.differ else ""
    return f"its cores are {format_core_list(groups.cores)}{kinds}"


def default_cores(groups: CoreGroups) -> str:
    """Kept to the biggest cores where cores differ, free where they do not (DESIGN.md section 5)."""
    return format_core_list(groups.big) if groups.differ else "any"


def _complete(values: dict[int, float], known: set[int]) -> dict[int, float]:
    """The values of the known cores; empty when one of them has none."""
    return {core: values[core] for core in known} if known <= set(values) else {}


def _grouped(values: Mapping[int, float], designs: Mapping[int, float], x86: float | None) -> tuple[Group, ...]:
    """Groups of cores whose values are equal, or nearly so where the cores are known to be of one design."""
    groups: list[tuple[int, list[int]]] = []  # the fastest core of each, and all of them
    for core in sorted(values, key=lambda core: (-values[core], core)):
        if groups:
            first = groups[-1][0]
            one_design = bool(designs) and designs[core] == designs[first]
            same = x86 or (_SAME_DESIGN if one_design else 1.0)
            if values[core] >= same * values[first]:
                groups[-1][1].append(core)
                continue
        groups.append((core, [core]))
    return tuple(Group(cores=tuple(sorted(cores)), value=values[first]) for first, cores in reversed(groups))
