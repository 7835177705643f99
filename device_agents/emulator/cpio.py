"""Archives in cpio's "new ASCII" format, which the Linux kernel unpacks as its first root file system.

Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst. An archive made here depends on nothing but
its entries: no time, no inode and no owner of the building machine gets in, so equal entries give equal bytes.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

MAGIC = b"070701"
TRAILER = "TRAILER!!!"
ALIGNMENT = 4  # bytes; names and data are padded to it
BLOCK = 512  # bytes; an archive is padded to it, so that archives can be joined end to end


@dataclass(frozen=True)
class Entry:
    """One file, folder, symbolic link (`data` is its target) or character device (`device`: major, minor)."""

    path: str  # relative to the root, without a leading slash
    mode: int  # type and permission bits, as in stat.st_mode
    data: bytes = b""
    uid: int = 0
    gid: int = 0
    device: tuple[int, int] = (0, 0)


def folder(path: str, permissions: int = 0o755, *, uid: int = 0, gid: int = 0) -> Entry:
    """An entry for a folder."""
    return Entry(path, stat.S_IFDIR | permissions, uid=uid, gid=gid)


def file(path: str, data: bytes, permissions: int = 0o644, *, uid: int = 0, gid: int = 0) -> Entry:
    """An entry for a regular file."""
    return Entry(path, stat.S_IFREG | permissions, data, uid=uid, gid=gid)


def link(path: str, target: str) -> Entry:
    """An entry for a symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int) -> Entry:
    """An entry for a character device that only root may use."""
    return Entry(path, stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The entries as one archive, in order, parent folders added before what lies in them."""
    out = bytearray()
    for inode, entry in enumerate(_with_parents(entries), start=1):
        out += _record(inode, entry)
    out += _record(0, Entry(TRAILER, 0))
    out += b"\0" * (-len(out) % BLOCK)
    return bytes(out)


def _with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """Each entry once (the last one given for a path wins), every parent folder before its children."""
    given = {entry.path: entry for entry in entries}
    placed: dict[str, Entry] = {}

    def place(path: str) -> None:
        if path in placed:
            return
        parent = path.rpartition("/")[0]
        if parent:
            place(parent)
        placed[path] = given.get(path) or folder(path)

    for path in given:
        place(path)
    return list(placed.values())


def _record(inode: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    when = 0  # mtime, seconds since 1970
    size = len(entry.data)
    numbers = (inode, entry.mode, entry.uid, entry.gid, links, when, size, 0, 0, *entry.device, len(name), 0)
    header = MAGIC + b"".join(b"%08x" % number for number in numbers)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)
