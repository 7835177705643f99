"""adb-shell's packets, made exact and cheaper: whole writes, a closed peer noticed at once, no needless checksums.

The library sums up every byte of every packet in both directions. Since version 0x01000001 of the protocol (Android 9)
nobody looks at that sum; a device of an older version still gets it, and its own are checked.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from adb_shell import constants
from adb_shell.adb_device import _AdbIOManager  # the library offers no other way in
from adb_shell.adb_message import AdbMessage, unpack
from adb_shell.exceptions import InvalidChecksumError, InvalidCommandError
from adb_shell.hidden_helpers import _AdbTransactionInfo
from adb_shell.transport.base_transport import BaseTransport
from adb_shell.transport.tcp_transport import TcpTransport

SKIPS_CHECKSUM: Final = 0x01000001  # A_VERSION_SKIP_CHECKSUM, packages/modules/adb/adb.h
_CNXN: Final = constants.ID_TO_WIRE[constants.CNXN]
_STLS: Final = int.from_bytes(b"STLS", "little")


class EncryptionWanted(Exception):
    """The device answered CNXN with STLS: Android 11's wireless debugging, which the library does not speak."""


def checksum(data: bytes | bytearray | memoryview) -> int:
    """adb's checksum of a packet: the sum of its bytes."""
    return int(np.frombuffer(data, np.uint8).sum(dtype=np.uint64)) & 0xFFFFFFFF


class Packets(_AdbIOManager):  # type: ignore[misc]  # adb_shell has no types
    """The library's way of sending and reading packets over a transport, in the newest version both sides speak."""

    def __init__(self, transport: BaseTransport) -> None:
        super().__init__(transport)
        self._device_version: int | None = None  # not said yet

    def _send(self, message: AdbMessage, info: _AdbTransactionInfo) -> None:
        data = message.data
        first = SKIPS_CHECKSUM if message.command == _CNXN else message.arg0
        total = 0 if (self._device_version or 0) >= SKIPS_CHECKSUM else checksum(data)
        head = struct.pack("<6I", message.command, first, message.arg1, len(data), total, message.magic)
        self._transport.bulk_write(head, info.transport_timeout_s)  # USB wants head and data in transfers of their own
        if len(data):
            self._transport.bulk_write(data, info.transport_timeout_s)

    def _read_packet_from_device(self, info: _AdbTransactionInfo) -> tuple[bytes, int, int, bytes]:
        head = self._read_bytes_from_device(constants.MESSAGE_SIZE, info)
        number, arg0, arg1, length, total = unpack(head)
        command = constants.WIRE_TO_ID.get(number)
        if number == _STLS:
            raise EncryptionWanted
        if command is None:
            raise InvalidCommandError(f"no adb packet: {head.hex()}")
        if command == constants.CNXN:
            self._device_version = arg0
        data = self._read_bytes_from_device(length, info) if length else b""
        # Before CNXN a new device already sends no sums (its AUTH has 0), an old one does.
        if (total or (self._device_version or SKIPS_CHECKSUM) < SKIPS_CHECKSUM) and checksum(data) != total:
            raise InvalidChecksumError(f"a packet's bytes add up to {checksum(data)}, not {total}")
        return command, arg0, arg1, data


class Tcp(TcpTransport):  # type: ignore[misc]
    """A socket that holds nothing back: a packet's end must not wait for the acknowledgement of its beginning."""

    def connect(self, transport_timeout_s: float | None) -> None:
        """Open the connection."""
        super().connect(transport_timeout_s)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Watched(BaseTransport):  # type: ignore[misc]  # adb_shell has no types
    """Another transport, made exact: whole writes, and a closed peer noticed at once."""

    def __init__(self, inner: BaseTransport) -> None:
        self._inner = inner
        self._closed = False

    def close(self) -> None:
        """Close the connection; a thread that waits in it gets ConnectionResetError."""
        self._closed = True
        self._inner.close()

    def connect(self, transport_timeout_s: float | None) -> None:
        """Open the connection."""
        self._closed = False
        self._inner.connect(transport_timeout_s)

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        """Up to `numbytes`, at least one. Raises ConnectionResetError when the peer is gone."""
        with self._closing_noticed():
            data = bytes(self._inner.bulk_read(numbytes, transport_timeout_s))
        if not data:
            raise ConnectionResetError("the device closed the connection")
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        """All of `data`: the plain transport may send a part and say so to nobody."""
        sent = 0
        while sent < len(data):
            with self._closing_noticed():
                sent += int(self._inner.bulk_write(memoryview(data)[sent:] if sent else data, transport_timeout_s))
        return sent

    @contextlib.contextmanager
    def _closing_noticed(self) -> Iterator[None]:
        """A socket that is gone makes select() complain of its arguments."""
        try:
            yield
        except (ValueError, TypeError, AttributeError) as error:
            if self._closed:
                raise ConnectionResetError("the connection was closed") from error
            raise
