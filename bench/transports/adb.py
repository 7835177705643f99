"""A device behind an adb server, spoken to through the server's socket (adbutils): no adb process a command.

The server is never started from here: on a shared computer that is the person's decision, and the
message says how.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from pathlib import Path

import adbutils

from bench.transports.adb_sync import pieces
from bench.transports.adb_texts import CURES, Listed, error_of, parse_devices
from bench.transports.protocol import Progress
from bench.transports.remote import LinkLost, Process, RemoteTransport, Stream
from foundation.errors import DeviceError

_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}
_CONNECT_S = 10.0


def server_address() -> tuple[str, int]:
    """Where the adb server listens: ADB_SERVER_SOCKET, ANDROID_ADB_SERVER_ADDRESS/_PORT, else 127.0.0.1:5037."""
    wanted = os.environ.get("ADB_SERVER_SOCKET", "")
    if wanted.startswith("tcp:"):
        host, _, port = wanted.removeprefix("tcp:").rpartition(":")
        if port.isdigit():
            return host or "127.0.0.1", int(port)
    port = os.environ.get("ANDROID_ADB_SERVER_PORT", "")
    return os.environ.get("ANDROID_ADB_SERVER_ADDRESS", "127.0.0.1"), int(port) if port.isdigit() else 5037


def server_runs() -> bool:
    """Something accepts connections where the adb server should be."""
    try:
        socket.create_connection(server_address(), timeout=1.0).close()
    except OSError:
        return False
    return True


def no_server() -> DeviceError:
    """The error for a server that is not there."""
    host, port = server_address()
    return DeviceError(
        f"no adb server is running at {host}:{port}",
        hint="start it with `adb start-server` (Debian: apt-get install adb), or name the device adb:HOST:PORT",
        retryable=True,
    )


def listed_devices() -> tuple[Listed, ...]:
    """What the server knows of. Raises DeviceError when no server runs."""
    return parse_devices(_asked("host:devices-l"))


def _client() -> adbutils.AdbClient:
    if not server_runs():  # adbutils would start one
        raise no_server()
    host, port = server_address()
    return adbutils.AdbClient(host=host, port=port)


def _asked(service: str) -> str:
    """The server's answer to one of its own services."""
    try:
        with _client().make_connection(timeout=_CONNECT_S) as connection:
            connection.send_command(service)
            connection.check_okay()
            return str(connection.read_string_block())
    except (adbutils.AdbError, OSError, ValueError) as error:
        raise error_of("the adb server", str(error) or type(error).__name__) from error


def adb_transport(serial: str, patience_s: float | None = None) -> RemoteTransport:
    """The device that the adb server calls `serial`; HOST:PORT is connected first when it is not listed."""
    return RemoteTransport(f"adb:{serial}", lambda: _connect(serial), patience_s)


def _connect(serial: str) -> AdbLink:
    entry = _entry(serial)
    if _is_address(serial) and (entry is None or entry.state == "offline"):
        answer = "" if entry is None else _asked(f"host:disconnect:{serial}")
        answer = _asked(f"host:connect:{serial}")
        if not answer.startswith(("connected to", "already connected")):
            raise error_of(f"adb:{serial}", answer)
        entry = _settled(serial)
    if entry is None:
        raise DeviceError(
            f"adb:{serial} is not attached", hint="see `bench devices` for what is attached", retryable=True
        )
    if not entry.ready:
        raise DeviceError(
            f"adb:{serial} is {entry.state}" + (f" ({entry.detail})" if entry.detail else ""),
            hint=CURES.get(entry.state, "see `bench doctor`"),
            retryable=entry.state != "no permissions",
        )
    return AdbLink(_client(), serial)


def _entry(serial: str) -> Listed | None:
    return next((entry for entry in listed_devices() if entry.serial == serial), None)


def _settled(serial: str) -> Listed | None:
    """The device's entry once its first handshake is over."""
    end = time.monotonic() + 3.0
    while True:
        entry = _entry(serial)
        if (entry is not None and entry.state not in ("offline", "connecting", "authorizing")) or (
            time.monotonic() > end
        ):
            return entry
        time.sleep(0.05)


def _is_address(serial: str) -> bool:
    host, _, port = serial.rpartition(":")
    return bool(host) and port.isdigit()


class AdbLink:
    """One device of one server. Each command and each transfer is a socket of its own."""

    def __init__(self, client: adbutils.AdbClient, serial: str) -> None:
        self._client = client
        self._serial = serial
        try:
            features = adbutils.AdbDevice(client, serial=serial).get_features()
            self.stderr_apart = "shell_v2" in features.split(",")
        except (adbutils.AdbError, OSError, ValueError) as error:
            raise error_of(f"adb:{serial}", str(error)) from error

    def start(self, command: str) -> Process:
        """See Link. Without shell v2 the older `exec` service carries both streams in one."""
        service = "shell,v2,raw:" if self.stderr_apart else "exec:"
        return _AdbProcess(self._opened(service + command), self.stderr_apart)

    def send(self, local: Path, remote: str, mode: int, progress: Progress | None) -> None:
        """See Link: the sync protocol's SEND, which makes the folders."""
        connection = self._opened("sync:")
        try:
            stream = connection.conn
            stream.settimeout(60.0)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with local.open("rb", buffering=0) as source:
                for piece, moved in pieces(source, remote, mode):
                    stream.sendall(piece)
                    if progress is not None:
                        progress(moved)
            self._sync_answer(stream, remote)
        except OSError as error:
            raise LinkLost(str(error)) from error
        finally:
            connection.conn.close()

    def fetch(self, remote: str, local: Path) -> None:
        """See Link: the sync protocol's RECV."""
        connection = self._opened("sync:")
        try:
            stream = connection.conn
            stream.settimeout(60.0)
            name = remote.encode()
            stream.sendall(b"RECV" + struct.pack("<I", len(name)) + name)
            with local.open("wb") as target:
                while (head := _exactly(stream, 8))[:4] == b"DATA":
                    target.write(_exactly(stream, struct.unpack("<I", head[4:])[0]))
            if head[:4] != b"DONE":
                said = _exactly(stream, struct.unpack("<I", head[4:])[0]) if head[:4] == b"FAIL" else head
                raise error_of(f"adb:{self._serial}, {remote}", said.decode(errors="replace"))
        except OSError as error:
            raise LinkLost(str(error)) from error
        finally:
            connection.conn.close()

    def close(self) -> None:
        """Nothing is held between commands."""

    def _opened(self, service: str) -> adbutils.AdbConnection:
        """A socket on the device's service. adbutils' own way asks for the server's version each time and sleeps."""
        try:
            connection = self._client.make_connection(timeout=_CONNECT_S)
            try:
                for request in (f"host:transport:{self._serial}".encode(), service.encode()):
                    connection.conn.sendall(b"%04x" % len(request) + request)
                    connection.check_okay()
            except BaseException:
                connection.conn.close()
                raise
        except (adbutils.AdbError, OSError) as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        return connection

    def _sync_answer(self, stream: socket.socket, remote: str) -> None:
        head = _exactly(stream, 8)
        if head[:4] == b"OKAY":
            return
        said = _exactly(stream, struct.unpack("<I", head[4:])[0]) if head[:4] == b"FAIL" else head
        raise error_of(f"adb:{self._serial}, {remote}", said.decode(errors="replace"))


class _AdbProcess:
    """A shell service: with v2 a stream of (id, length, bytes), else bytes."""

    def __init__(self, connection: adbutils.AdbConnection, framed: bool) -> None:
        self._connection = connection
        self._framed = framed
        self._held = b""

    def read(self, timeout_s: float) -> tuple[Stream, bytes] | None:
        end = time.monotonic() + timeout_s
        while True:
            if (piece := self._next_frame()) is not None:
                return piece
            left = end - time.monotonic()
            stream = self._connection.conn
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise TimeoutError
            try:
                data = stream.recv(1 << 16)
            except OSError as error:
                raise LinkLost(str(error)) from error
            if not data:
                return None
            if not self._framed:
                return "stdout", data
            self._held += data

    def _next_frame(self) -> tuple[Stream, bytes] | None:
        while len(self._held) >= 5:
            kind, length = self._held[0], int.from_bytes(self._held[1:5], "little")
            if len(self._held) < 5 + length:
                return None
            data, self._held = self._held[5 : 5 + length], self._held[5 + length :]
            if kind in _STREAMS and data:  # id 3 is adb's exit status: only the wrapper's is believed
                return _STREAMS[kind], data
        return None

    def close(self) -> None:
        self._connection.conn.close()


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise ConnectionResetError("the connection closed in mid-transfer")
        data += piece
    return bytes(data)
