"""What adb's sync protocol writes for a file, in pieces as large as the connection takes.

A file goes out as SEND path, DATA blocks of at most 64 KiB, DONE time. Each piece costs the adb server or the device
a turn, so blocks are gathered in one buffer that the file is read into directly: nothing is copied here.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from io import RawIOBase
from typing import Final

BLOCK: Final = 64 * 1024  # the protocol's largest DATA block
PIECE: Final = 1 << 20  # what an adb server and a device take in one turn
_HEAD: Final = 8  # of a block: its name and its length


def pieces(source: RawIOBase, remote: str, mode: int, most: int = PIECE) -> Iterator[tuple[memoryview, int]]:
    """The bytes to write for `source`, at most `most` at a time, and how many of its bytes have gone with each.

    The next piece takes the place of the last one in memory: use it before going on. A path must fit into one piece
    (no device takes one beyond 1024 bytes).
    """
    target = f"{remote},{0o100000 | mode}".encode()
    head = struct.pack("<4sI", b"SEND", len(target)) + target
    buffer = bytearray(most)
    view = memoryview(buffer)
    at, moved = len(head), 0
    view[:at] = head
    while True:
        if most - at <= _HEAD:
            yield view[:at], moved
            at = 0
        count = source.readinto(view[at + _HEAD : min(at + _HEAD + BLOCK, most)])
        if not count:
            break
        struct.pack_into("<4sI", buffer, at, b"DATA", count)
        at += _HEAD + count
        moved += count
    struct.pack_into("<4sI", buffer, at, b"DONE", int(time.time()))
    yield view[: at + _HEAD], moved


def answered(answer: bytes) -> str | None:
    """The device's answer to a file: empty when it has it, else why not. None: the answer is not whole yet."""
    if len(answer) < _HEAD:
        return None
    if answer[:4] == b"OKAY":
        return ""
    length = int.from_bytes(answer[4:_HEAD], "little") if answer[:4] == b"FAIL" else 0
    said = answer[_HEAD : _HEAD + length] if length else answer
    return said.decode(errors="replace") if len(answer) >= _HEAD + length else None
