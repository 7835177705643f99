"""What goes over the wire for a pushed file, against the sync protocol's own text (packages/modules/adb/SYNC.TXT)."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
from io import RawIOBase
from pathlib import Path

import pytest
from adb_shell.adb_message import AdbMessage
from adb_shell.exceptions import InvalidChecksumError
from adb_shell.hidden_helpers import _AdbTransactionInfo

from bench.transports.adb_direct import tcp_transport
from bench.transports.adb_packets import SKIPS_CHECKSUM, Packets, checksum
from bench.transports.adb_sync import BLOCK, answered, pieces
from foundation.errors import DeviceError


class Raw(io.BytesIO):
    """A file that gives its bytes in small portions, as a raw file may."""

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return super().readinto(buffer[:50_000])


def read_back(stream: bytes) -> tuple[bytes, list[bytes], int]:
    """The path, the DATA blocks and the time of a SEND, read as a device reads it."""
    name, length = struct.unpack_from("<4sI", stream)
    assert name == b"SEND"
    path, at = stream[8 : 8 + length], 8 + length
    blocks = []
    while True:
        name, length = struct.unpack_from("<4sI", stream, at)
        at += 8
        if name == b"DONE":
            assert at == len(stream)
            return path, blocks, length
        assert name == b"DATA"
        blocks.append(stream[at : at + length])
        at += length


@pytest.mark.parametrize("size", [0, 1, BLOCK - 8, BLOCK, 300_000, 3_000_000])
@pytest.mark.parametrize("most", [4096, 256 * 1024, 1 << 20])
@pytest.mark.parametrize("kind", [Raw, io.BytesIO])
def test_file_arrives_whole_in_blocks_and_pieces_no_larger_than_allowed(
    size: int, most: int, kind: type[RawIOBase]
) -> None:
    data = os.urandom(size)
    written, moved = [], []
    for piece, count in pieces(kind(data), "/data/a b,c", 0o755, most):  # type: ignore[call-arg]
        assert 0 < len(piece) <= most
        written.append(bytes(piece))
        moved.append(count)
    path, blocks, _ = read_back(b"".join(written))
    assert path == b"/data/a b,c,33261"  # 0100755
    assert b"".join(blocks) == data
    assert all(0 < len(block) <= 65536 for block in blocks)
    assert moved == sorted(moved)
    assert moved[-1] == size


def test_large_file_fills_the_pieces(tmp_path: Path) -> None:
    """Each piece is a turn of the device: 20 MB in 1 MiB pieces are 20 turns, not 306 of a block each."""
    file = tmp_path / "file"
    file.write_bytes(bytes(20_000_000))
    with file.open("rb", buffering=0) as source:
        assert sum(1 for _ in pieces(source, "/x", 0o644)) == 20


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", None),
        (b"OKAY\0\0\0", None),
        (b"OKAY\0\0\0\0", ""),
        (b"FAIL\x05\0\0\0no s", None),
        (b"FAIL\x05\0\0\0no sp", "no sp"),
        (b"what is this", "what is this"),
    ],
)
def test_answers_of_the_device(answer: bytes, expected: str | None) -> None:
    assert answered(answer) == expected


class Wire:
    """A transport whose device has said everything beforehand."""

    def __init__(self, said: bytes = b"") -> None:
        self.said = io.BytesIO(said)
        self.written: list[bytes] = []

    def bulk_read(self, count: int, _: float | None) -> bytes:
        return self.said.read(count)

    def bulk_write(self, data: bytes, _: float | None) -> int:
        self.written.append(bytes(data))
        return len(data)


def packet(name: bytes, arg0: int, data: bytes, total: int) -> bytes:
    command = int.from_bytes(name, "little")
    return struct.pack("<6I", command, arg0, 0, len(data), total, command ^ 0xFFFFFFFF) + data


@pytest.fixture
def info() -> object:
    return _AdbTransactionInfo(1, 2)


def test_old_device_gets_sums_and_its_own_are_checked(info: object) -> None:
    old = SKIPS_CHECKSUM - 1
    wire = Wire(packet(b"CNXN", old, b"dev", sum(b"dev")) + packet(b"WRTE", 2, b"data", sum(b"data") + 1))
    packets = Packets(wire)
    assert packets._read_packet_from_device(info)[3] == b"dev"
    packets._send(AdbMessage(b"WRTE", 1, 2, b"\xff" * 1000), info)
    assert struct.unpack("<6I", wire.written[0])[4] == 255_000
    with pytest.raises(InvalidChecksumError):
        packets._read_packet_from_device(info)


def test_new_device_is_told_that_sums_may_be_left_out_and_gets_none_once_it_agrees(info: object) -> None:
    wire = Wire(packet(b"AUTH", 1, b"token", 0) + packet(b"CNXN", SKIPS_CHECKSUM, b"dev", 0))
    packets = Packets(wire)
    packets._send(AdbMessage(b"CNXN", SKIPS_CHECKSUM - 1, 1 << 20, b"host::"), info)
    assert struct.unpack("<6I", wire.written[0])[1:5] == (SKIPS_CHECKSUM, 1 << 20, 6, sum(b"host::"))
    assert packets._read_packet_from_device(info)[3] == b"token"
    assert packets._read_packet_from_device(info)[3] == b"dev"
    packets._send(AdbMessage(b"WRTE", 1, 2, b"\xff" * 1000), info)
    assert struct.unpack("<6I", wire.written[2])[4] == 0


def test_phone_with_wireless_debugging_is_sent_to_the_adb_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(packet(b"STLS", 0x01000000, b"", 0))
            connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, daemon=True).start()
        transport = tcp_transport("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(DeviceError, match="wants an encrypted connection") as error:
            transport.run(["true"])
    assert "adb pair" in error.value.hint
    assert not error.value.retryable


def test_checksum_is_the_sum_of_the_bytes() -> None:
    data = os.urandom(70_001)
    assert checksum(data) == sum(data)
