"""Whether the guest's daemons answer: qemu accepts connections to a forwarded port long before anybody listens."""

from __future__ import annotations

import socket
import struct
from typing import Final

HOST: Final = "127.0.0.1"
CONNECT: Final = int.from_bytes(b"CNXN", "little")
PROTOCOL_VERSION: Final = 0x01000001
MAX_PAYLOAD: Final = 1 << 20  # bytes
BANNER: Final = b"host::\0"


def adb_answers(port: int, timeout_s: float, host: str = HOST) -> bool:
    """Whether an adbd at `host`:`port` completes the first exchange of its protocol (packages/modules/adb)."""
    header = struct.pack("<6I", CONNECT, PROTOCOL_VERSION, MAX_PAYLOAD, len(BANNER), sum(BANNER), CONNECT ^ 0xFFFFFFFF)
    return _answer(host, port, header + BANNER, timeout_s).startswith(b"CNXN")


def ssh_answers(port: int, timeout_s: float) -> bool:
    """Whether an ssh server at 127.0.0.1:`port` sends its greeting (RFC 4253, section 4.2)."""
    return _answer(HOST, port, b"", timeout_s).startswith(b"SSH-")


def _answer(host: str, port: int, request: bytes, timeout_s: float) -> bytes:
    """The first four bytes that come back; fewer when the connection fails or stays silent."""
    received = b""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(request)
            while len(received) < 4 and (more := connection.recv(4 - len(received))):
                received += more
    except OSError:
        return received
    return received


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])
