"""The few facts of an ELF file that decide whether it runs on a device: machine, libraries, glibc release."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from foundation.errors import BuildError

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM = 1, 5, 0x6FFFFFFE, 0x6FFFFFFF
DT_VERDEF, DT_VERDEFNUM = 0x6FFFFFFC, 0x6FFFFFFD


@dataclass(frozen=True)
class Elf:
    """`machine` is e_machine (62 x86-64, 183 AArch64), `needed` the libraries it loads at start, `versions` the
    symbol versions it asks of them ("GLIBC_2.28", "GLIBCXX_3.4.21"), `defined` the ones it offers itself."""

    machine: int
    needed: tuple[str, ...]
    versions: tuple[str, ...]
    defined: tuple[str, ...]


def highest(versions: Iterable[str], prefix: str) -> str:
    """The highest of the versions that start with `prefix` ("GLIBC"), without it; "" when there is none."""
    found = [match.group(1) for text in versions if (match := re.fullmatch(rf"{prefix}_([\d.]+)", text))]
    return max(found, key=version_key, default="")


def version_key(version: str) -> tuple[int, ...]:
    """Orders "2.9" before "2.28"; "" before everything."""
    return tuple(int(part) for part in version.split(".") if part)


def read_elf(path: Path) -> Elf:
    """Facts of a 64-bit little-endian ELF file. Raises BuildError when it is none, or damaged."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise BuildError(f"{path.name} is not a 64-bit little-endian ELF file")
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise BuildError(f"{path.name} is damaged: {error}") from error


def _read(data: bytes) -> Elf:
    machine: int = struct.unpack_from("<H", data, 18)[0]
    table: int = struct.unpack_from("<Q", data, 32)[0]
    size, count = struct.unpack_from("<HH", data, 54)
    segments: list[tuple[int, ...]] = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]

    def offset(address: int) -> int:
        for kind, _flags, start, virtual, _physical, length in segments:
            if kind == PT_LOAD and virtual <= address < virtual + length:
                return start + address - virtual
        raise ValueError(f"address {address:#x} is in no segment")

    entries: list[tuple[int, int]] = []
    for kind, _flags, start, _virtual, _physical, length in segments:
        if kind == PT_DYNAMIC:
            entries += [struct.unpack_from("<qQ", data, start + at) for at in range(0, length, 16)]
    table_of = dict(entries)
    if DT_STRTAB not in table_of:  # a static program, or an object file
        return Elf(machine, (), (), ())
    strings = offset(table_of[DT_STRTAB])

    def text(at: int) -> str:
        return data[strings + at : data.index(b"\0", strings + at)].decode()

    versions: list[str] = []
    need = offset(table_of[DT_VERNEED]) if DT_VERNEED in table_of else 0
    for _ in range(table_of.get(DT_VERNEEDNUM, 0)):
        _version, entries_here, _file, first, following = struct.unpack_from("<HHIII", data, need)
        entry = need + first
        for _ in range(entries_here):
            _hash, _flags, _other, name, step = struct.unpack_from("<IHHII", data, entry)
            versions.append(text(name))
            entry += step
        need += following
    defined: list[str] = []
    define = offset(table_of[DT_VERDEF]) if DT_VERDEF in table_of else 0
    for _ in range(table_of.get(DT_VERDEFNUM, 0)):
        first, following = struct.unpack_from("<II", data, define + 12)
        defined.append(text(struct.unpack_from("<I", data, define + first)[0]))
        define += following
    needed = tuple(text(value) for tag, value in entries if tag == DT_NEEDED)
    return Elf(machine, needed, tuple(sorted(set(versions))), tuple(defined))
