"""An adb daemon with faults on demand, for tests: it serves one folder and runs commands on this computer.

It speaks enough of adb's protocol for adb servers, adbutils and adb-shell: CNXN, AUTH, OPEN, OKAY, WRTE, CLSE;
services shell (with and without v2), exec and sync. It listens on 127.0.0.1 only. Like the real one it sends
SIGHUP to what it runs when the connection goes, and answers CLSE with CLSE.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from tests.bench.faulty_adbd_services import kill, service

CNXN, AUTH, OPEN, OKAY, CLSE, WRTE = (int.from_bytes(name, "little") for name in
                                      (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE"))  # fmt: skip
MAX_PAYLOAD = 1 << 20


@dataclass
class Faults:
    """What goes wrong; may be changed while the daemon runs. A fault with a count happens once, then it is cleared."""

    authorisation: Literal["none", "prompt accepted", "prompt ignored"] = "none"
    cable_out_after_received: int | None = None  # bytes from the host, all packets
    cable_out_after_sent: int | None = None
    cable_out_on_output: bytes | None = None  # once a command's output has contained this
    end_on_output: bytes | None = None  # the stream ends with status 0 in the middle of a command's output
    stays_out_s: float = 0.0  # after the cable came out by itself
    packet_delay_s: float = 0.0
    disk_bytes: int | None = None  # what fits on the device
    shell_v2: bool = True


@dataclass
class FaultyAdbd:
    """The daemon, in a thread of its own. `folder` is the only place that files are pushed to and pulled from."""

    folder: Path
    faults: Faults = field(default_factory=Faults)
    model: str = "Faulty_Phone"
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def __enter__(self) -> FaultyAdbd:
        self.received = 0
        self.sent = 0
        self.pushes: list[str] = []
        self.commands: list[str] = []
        self.running: set[int] = set()  # process ids of shells
        self._trusted: list[rsa.RSAPublicKey] = []
        self._out_until = 0.0
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.cable_out()
        for pid in list(self.running):
            kill(pid)
        self._do(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def serial(self) -> str:
        """How an adb server calls it."""
        return f"127.0.0.1:{self.port}"

    def cable_out(self) -> None:
        """Break all connections and take no new ones until `cable_in`."""
        self._out_until = float("inf")
        self._do(self._break())

    def cable_in(self) -> None:
        """Take connections again."""
        self._out_until = 0.0

    def reboot(self, forgets: Path) -> None:
        """Connections break, everything that runs dies, `forgets` is emptied; half a second later it is back."""
        self.cable_out()
        for pid in list(self.running):
            kill(pid)
        for path in sorted(forgets.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        self._out_until = time.monotonic() + 0.5

    def _do(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port, limit=2 * MAX_PAYLOAD)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _finish(self) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _break(self) -> None:
        for connection in list(self._connections):
            connection.writer.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if time.monotonic() < self._out_until:
            writer.transport.abort()
            return
        connection = Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)

    def pulls_out(self) -> None:
        """A counted fault struck."""
        self.faults.cable_out_after_received = None
        self.faults.cable_out_after_sent = None
        self.faults.cable_out_on_output = None
        self._out_until = time.monotonic() + self.faults.stays_out_s
        for connection in list(self._connections):
            connection.writer.transport.abort()

    def used_bytes(self) -> int:
        """What lies in the folder."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


class Connection:
    def __init__(self, daemon: FaultyAdbd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.daemon = daemon
        self.reader = reader
        self.writer = writer
        self.streams: dict[int, Stream] = {}
        self.next_id = 1
        self.payload = 4096
        self.version = 0x01000000
        self.token = b""

    async def send(self, command: int, arg0: int, arg1: int, data: bytes = b"") -> None:
        faults = self.daemon.faults
        if faults.packet_delay_s:
            await asyncio.sleep(faults.packet_delay_s)
        check = 0 if self.version >= 0x01000001 else sum(data) & 0xFFFFFFFF
        self.writer.write(struct.pack("<6I", command, arg0, arg1, len(data), check, command ^ 0xFFFFFFFF) + data)
        self.daemon.sent += len(data)
        if faults.cable_out_after_sent is not None and self.daemon.sent >= faults.cable_out_after_sent:
            self.daemon.pulls_out()
        await self.writer.drain()

    async def serve(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                head = await self.reader.readexactly(24)
                command, arg0, arg1, length, _, magic = struct.unpack("<6I", head)
                if magic != command ^ 0xFFFFFFFF or length > MAX_PAYLOAD:
                    return
                data = await self.reader.readexactly(length)
                self.daemon.received += len(data)
                limit = self.daemon.faults.cable_out_after_received
                if limit is not None and self.daemon.received >= limit:
                    self.daemon.pulls_out()
                    return
                if command == CNXN:
                    self.version, self.payload = min(arg0, 0x01000001), min(arg1, MAX_PAYLOAD)
                    await self.greet()
                elif command == AUTH:
                    await self.authorise(arg0, data)
                elif command == OPEN:
                    stream = Stream(self, self.next_id, arg0)
                    self.next_id += 1
                    self.streams[stream.id] = stream
                    task = asyncio.ensure_future(service(stream, data.rstrip(b"\0").decode()))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                elif command == OKAY and arg1 in self.streams:
                    self.streams[arg1].acknowledged.set()
                elif command == WRTE and (found := self.streams.get(arg1)):
                    found.incoming.put_nowait(data)
                    await self.send(OKAY, found.id, found.peer)
                elif command == CLSE and (found := self.streams.pop(arg1, None)):
                    found.end()
                    await self.send(CLSE, found.id, found.peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            for stream in list(self.streams.values()):
                stream.end()
            self.writer.close()

    async def greet(self) -> None:
        if self.daemon.faults.authorisation != "none":
            self.token = os.urandom(20)
            await self.send(AUTH, 1, 0, self.token)
            return
        await self.welcome()

    async def welcome(self) -> None:
        features = "cmd,stat_v2,ls_v2,fixed_push_mkdir" + (",shell_v2" if self.daemon.faults.shell_v2 else "")
        model = self.daemon.model
        banner = f"device::ro.product.name=faulty;ro.product.model={model};ro.product.device=faulty;features={features}"
        await self.send(CNXN, 0x01000001, MAX_PAYLOAD, banner.encode())

    async def authorise(self, kind: int, data: bytes) -> None:
        if kind == 2:  # a signature of our token
            for key in self.daemon._trusted:
                with contextlib.suppress(InvalidSignature):
                    key.verify(data, self.token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))
                    await self.welcome()
                    return
            self.token = os.urandom(20)
            await self.send(AUTH, 1, 0, self.token)
        elif kind == 3 and self.daemon.faults.authorisation == "prompt accepted":
            self.daemon._trusted.append(_public_key(data))
            await self.welcome()


class Stream:
    def __init__(self, connection: Connection, number: int, peer: int) -> None:
        self.connection = connection
        self.id = number
        self.peer = peer
        self.incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.acknowledged = asyncio.Event()
        self.acknowledged.set()
        self.ended = False
        self.held = b""
        self.lock = asyncio.Lock()

    def end(self) -> None:
        self.ended = True
        self.acknowledged.set()
        self.incoming.put_nowait(None)

    async def write(self, data: bytes) -> None:
        async with self.lock:
            for start in range(0, len(data), self.connection.payload):
                await self.acknowledged.wait()
                if self.ended:
                    raise ConnectionResetError
                self.acknowledged.clear()
                part = data[start : start + self.connection.payload]
                await self.connection.send(WRTE, self.id, self.peer, part)

    async def exactly(self, count: int) -> bytes:
        while len(self.held) < count:
            data = await self.incoming.get()
            if data is None:
                raise EOFError
            self.held += data
        data, self.held = self.held[:count], self.held[count:]
        return data

    async def close(self) -> None:
        await self.acknowledged.wait()
        if not self.ended:
            self.ended = True
            await self.connection.send(CLSE, self.id, self.peer)


def _public_key(data: bytes) -> rsa.RSAPublicKey:
    """adb's own key format: word count, -1/n mod 2^32, modulus, rr, exponent, little-endian, in base64."""
    raw = base64.b64decode(data.split()[0])
    words = struct.unpack("<I", raw[:4])[0]
    modulus = int.from_bytes(raw[8 : 8 + 4 * words], "little")
    return rsa.RSAPublicNumbers(struct.unpack("<I", raw[-4:])[0], modulus).public_key()
