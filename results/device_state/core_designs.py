"""How fast a core is by its design, at equal clock: what tells big from little where the kernel measured nothing."""

from __future__ import annotations

from typing import Final

from results.device_state.cpuinfo import Core

# (implementer, part) -> rough integer performance at equal clock, Cortex-A53 = 1: only the order within one chip
# matters. Parts: Linux arch/arm64/include/asm/cputype.h and util-linux's lscpu-arm.c.
DESIGNS: Final = {
    (0x41, 0xB76): 0.4,  # ARM1176
    (0x41, 0xD01): 0.8,  # A32
    (0x41, 0xD02): 0.8,  # A34
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
    (0x41, 0xD06): 1.4,  # A65
    (0x41, 0xD43): 1.4,  # A65AE
    (0x41, 0xD46): 1.4,  # A510
    (0x41, 0xD8F): 1.4,  # A320
    (0x41, 0xD80): 1.5,  # A520
    (0x41, 0xD88): 1.5,  # A520AE
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
    (0x41, 0xD89): 4.7,  # A720AE
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
    (0x48, 0xD41): 3.7,  # HiSilicon's A77
    (0x4E, 0x003): 2.2,  # NVIDIA Denver 2, beside A57 in the TX2
    (0x4E, 0x004): 3.2,  # NVIDIA Carmel
}
# One part for all of its cores: the variant tells them apart, 3 is the prime core of the Snapdragon 8 Elite.
_ORYON: Final = (0x51, 0x001)
_ORYON_VARIANTS: Final = {0x4: 6.5, 0x3: 7.0}


def ranks(cores: tuple[Core, ...]) -> dict[int, float]:
    """Core -> performance at equal clock, for the cores whose design is known."""
    found: dict[int, float] = {}
    for core in cores:
        design = (core.implementer or 0, core.part if core.part is not None else -1)
        rank = _ORYON_VARIANTS.get(core.variant or -1) if design == _ORYON else DESIGNS.get(design)
        if rank is not None:
            found[core.index] = rank
    return found
