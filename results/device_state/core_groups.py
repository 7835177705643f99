"""Which cores are big, which are little: groups of equal cores, slowest first.

From measured capacity (1024 = the fastest core at its highest frequency), else from the highest frequency,
else from the core's design.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from foundation.errors import UsageError
from foundation.record import Record
from results.device_state.cpuinfo import Core, CpuInfo, format_core_list, parse_core_list

# (implementer, part) -> rough integer performance at equal clock, Cortex-A53 = 1: only the order within one chip
# matters. Parts: Linux arch/arm64/include/asm/cputype.h and util-linux's lscpu-arm.c.
_DESIGNS: Final = {
    (0x41, 0xB76): 0.4,  # ARM1176
    (0x41, 0xC05): 0.6,  # Cortex-A5
    (0x41, 0xC07): 0.8,  # A7
    (0x41, 0xC08): 0.8,  # A8
    (0x41, 0xC09): 1.0,  # A9
    (0x41, 0xC0E): 1.5,  # A17
    (0x41, 0xC0D): 1.5,  # A12
    (0x41, 0xC0F): 1.6,  # A15
    (0x41, 0xD04): 0.9,  # A35
    (0x41, 0xD03): 1.0,  # A53
    (0x41, 0xD05): 1.2,  # A55
    (0x41, 0xD46): 1.4,  # A510
    (0x41, 0xD80): 1.5,  # A520
    (0x41, 0xD8A): 1.6,  # C1-Nano
    (0x41, 0xD07): 1.8,  # A57
    (0x41, 0xD08): 2.0,  # A72
    (0x41, 0xD09): 2.2,  # A73
    (0x41, 0xD0A): 2.6,  # A75
    (0x41, 0xD0B): 3.4,  # A76
    (0x41, 0xD0E): 3.4,  # A76AE
    (0x41, 0xD0C): 3.5,  # Neoverse N1
    (0x41, 0xD0D): 3.7,  # A77
    (0x41, 0xD41): 4.0,  # A78
    (0x41, 0xD42): 4.0,  # A78AE
    (0x41, 0xD4B): 4.0,  # A78C
    (0x41, 0xD47): 4.3,  # A710
    (0x41, 0xD4D): 4.5,  # A715
    (0x41, 0xD81): 4.7,  # A720
    (0x41, 0xD87): 5.0,  # A725
    (0x41, 0xD8B): 5.2,  # C1-Pro
    (0x41, 0xD44): 5.0,  # X1
    (0x41, 0xD4C): 5.0,  # X1C
    (0x41, 0xD48): 5.5,  # X2
    (0x41, 0xD4E): 6.0,  # X3
    (0x41, 0xD82): 6.5,  # X4
    (0x41, 0xD85): 7.0,  # X925
    (0x41, 0xD90): 7.3,  # C1-Premium
    (0x41, 0xD8C): 7.5,  # C1-Ultra
    (0x51, 0x201): 1.8,  # Kryo silver
    (0x51, 0x211): 1.8,  # Kryo silver (820)
    (0x51, 0x205): 2.0,  # Kryo gold
    (0x51, 0x801): 1.0,  # Kryo 2xx silver
    (0x51, 0x800): 2.2,  # Kryo 2xx gold
    (0x51, 0x803): 1.2,  # Kryo 3xx silver
    (0x51, 0x802): 2.6,  # Kryo 3xx gold
    (0x51, 0x805): 1.2,  # Kryo 4xx silver
    (0x51, 0x804): 3.4,  # Kryo 4xx gold
    (0x53, 0x001): 2.2,  # Exynos M1, M2
    (0x53, 0x002): 3.2,  # M3
    (0x53, 0x003): 3.4,  # M4
    (0x53, 0x004): 3.7,  # M5
    (0x48, 0xD40): 3.4,  # HiSilicon's A76
    (0x4E, 0x004): 3.2,  # NVIDIA Carmel
}
_ORYON: Final = (0x51, 0x001)  # one part for all of its cores: the variant tells them apart, 3 is the prime core
_ORYON_VARIANTS: Final = {0x4: 6.5, 0x3: 7.0}
_SAME_X86_FREQUENCY: Final = 0.8  # favoured cores of one kind differ by some percent, efficiency cores by far more


class Group(Record):
    """Equal cores. `value` orders groups and has the unit of what they were told apart by."""

    cores: tuple[int, ...]
    value: float | None


class CoreGroups(Record):
    """All online cores in groups, slowest first. `source`: capacity, frequency, design, or none (taken as equal)."""

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
    """Group the online cores by the first source that tells of all of them.

    Capacities that are all equal still leave the frequency to tell clusters apart.
    """
    known = set(online or ()) or {core.index for core in cpuinfo.cores} or set(max_frequency_khz) or set(capacity)
    if not known:
        return CoreGroups(groups=(), source="none")
    x86 = any(core.model_name and core.part is None for core in cpuinfo.cores)
    by_capacity = _grouped({core: float(value) for core, value in capacity.items() if value > 0}, known, 1.0)
    if by_capacity and len(by_capacity) > 1:
        return CoreGroups(groups=by_capacity, source="capacity")
    frequencies = {core: float(value) for core, value in max_frequency_khz.items() if value > 0}
    by_frequency = _grouped(frequencies, known, _SAME_X86_FREQUENCY if x86 else 1.0)
    if by_frequency and len(by_frequency) > 1:
        return CoreGroups(groups=by_frequency, source="frequency")
    by_design = _grouped(_designs(cpuinfo.cores), known, 1.0)
    if by_design and len(by_design) > 1:
        return CoreGroups(groups=by_design, source="design")
    source = "capacity" if by_capacity else "frequency" if by_frequency else "design" if by_design else "none"
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
            hint="`bench devices --json` shows each device's cores",
        )
    absent = [core for core in listed if groups.cores and core not in groups.cores]
    if absent:
        raise UsageError(
            f"--cores {asked}: the device has no core {format_core_list(tuple(absent))}",
            hint=f"its cores are {format_core_list(groups.cores)}",
        )
    return format_core_list(listed)


def default_cores(groups: CoreGroups) -> str:
    """Kept to the biggest cores where cores differ, free where they do not (DESIGN.md section 5)."""
    return format_core_list(groups.big) if groups.differ else "any"


def _grouped(values: Mapping[int, float], known: set[int], same: float) -> tuple[Group, ...]:
    """Groups of cores whose values are at least `same` times their group's largest; empty when a core has no value."""
    if not known <= set(values):
        return ()
    groups: list[tuple[float, list[int]]] = []
    for core in sorted(known, key=lambda core: (-values[core], core)):
        if groups and values[core] >= same * groups[-1][0]:
            groups[-1][1].append(core)
        else:
            groups.append((values[core], [core]))
    return tuple(Group(cores=tuple(sorted(cores)), value=value) for value, cores in reversed(groups))


def _designs(cores: tuple[Core, ...]) -> dict[int, float]:
    found: dict[int, float] = {}
    for core in cores:
        design = (core.implementer or 0, core.part if core.part is not None else -1)
        rank = _ORYON_VARIANTS.get(core.variant or -1) if design == _ORYON else _DESIGNS.get(design)
        if rank is not None:
            found[core.index] = rank
    return found
