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
import signal
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
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.cable_out()
        for pid in list(self.running):
            _kill(pid)
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
            _kill(pid)
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
        connection = _Connection(self, reader, writer)
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


class _Connection:
    def __init__(self, daemon: FaultyAdbd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.daemon = daemon
        self.reader = reader
        self.writer = writer
        self.streams: dict[int, _Stream] = {}
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
                    stream = _Stream(self, self.next_id, arg0)
                    self.next_id += 1
                    self.streams[stream.id] = stream
                    task = asyncio.ensure_future(_service(stream, data.rstrip(b"\0").decode()))
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


class _Stream:
    def __init__(self, connection: _Connection, number: int, peer: int) -> None:
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


async def _service(stream: _Stream, name: str) -> None:
    head, _, command = name.partition(":")
    kind = head.split(",")[0]
    daemon = stream.connection.daemon
    with contextlib.suppress(ConnectionError, EOFError):
        if kind in ("shell", "exec") and ("v2" not in head or daemon.faults.shell_v2):
            await stream.connection.send(OKAY, stream.id, stream.peer)
            daemon.commands.append(command)
            await _shell(stream, command, framed="v2" in head)
        elif kind == "sync":
            await stream.connection.send(OKAY, stream.id, stream.peer)
            await _sync(stream)
        else:
            stream.connection.streams.pop(stream.id, None)
            await stream.connection.send(CLSE, 0, stream.peer)
            return
        await stream.close()


async def _shell(stream: _Stream, command: str, framed: bool) -> None:
    daemon = stream.connection.daemon
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if framed else asyncio.subprocess.STDOUT,
        cwd=daemon.folder,
        env={**os.environ, **daemon.environment},
        start_new_session=True,
    )
    daemon.running.add(process.pid)
    assert process.stdin is not None

    async def pump(source: asyncio.StreamReader | None, number: int) -> None:
        assert source is not None
        while data := await source.read(65536):
            cut = daemon.faults.end_on_output
            if cut is not None and cut in data:
                daemon.faults.end_on_output = None
                data = data[: data.index(cut)]
                await stream.write(struct.pack("<BI", number, len(data)) + data if framed else data)
                if framed:
                    await stream.write(struct.pack("<BIB", 3, 1, 0))
                _kill(process.pid)
                return
            await stream.write(struct.pack("<BI", number, len(data)) + data if framed else data)
            needle = daemon.faults.cable_out_on_output
            if needle is not None and needle in data:
                daemon.pulls_out()

    async def gone() -> None:
        while (await stream.incoming.get()) is not None:
            pass
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)
        process.stdin.close()

    watch = asyncio.ensure_future(gone())
    try:
        await asyncio.gather(pump(process.stdout, 1), *([pump(process.stderr, 2)] if framed else []))
        status = await process.wait()
        if framed:
            await stream.write(struct.pack("<BIB", 3, 1, status & 0xFF if status >= 0 else 128 - status))
    finally:
        if stream.ended:
            await watch
            await process.wait()
        watch.cancel()
        daemon.running.discard(process.pid)


async def _sync(stream: _Stream) -> None:
    daemon = stream.connection.daemon
    while True:
        command, length = struct.unpack("<4sI", await stream.exactly(8))
        if command == b"QUIT":
            return
        argument = (await stream.exactly(length)).decode()
        if command in (b"STAT", b"STA2", b"LST2"):
            await stream.write(_stat(command, argument))
        elif command == b"RECV":
            try:
                data = Path(argument).read_bytes()
            except OSError as error:
                await _fail(stream, f"open failed: {error.strerror}")
                continue
            for start in range(0, len(data), 65536):
                part = data[start : start + 65536]
                await stream.write(struct.pack("<4sI", b"DATA", len(part)) + part)
            await stream.write(struct.pack("<4sI", b"DONE", 0))
        elif command == b"SEND":
            path, _, mode = argument.rpartition(",")
            await _receive(stream, daemon, Path(path), int(mode) & 0o777)
        else:
            await _fail(stream, f"unknown command {command!r}")
            return


async def _receive(stream: _Stream, daemon: FaultyAdbd, path: Path, mode: int) -> None:
    refused = "" if path.is_relative_to(daemon.folder) else "couldn't create file: Permission denied"
    if not refused:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        daemon.pushes.append(str(path))
    used = daemon.used_bytes()
    while True:
        kind, length = struct.unpack("<4sI", await stream.exactly(8))
        if kind == b"DONE":
            break
        data = await stream.exactly(length)
        used += len(data)
        if not refused and daemon.faults.disk_bytes is not None and used > daemon.faults.disk_bytes:
            refused = "write failed: No space left on device"
        if not refused:
            with path.open("ab") as target:
                target.write(data)
    if refused:
        await _fail(stream, refused)
        return
    path.chmod(mode)
    await stream.write(struct.pack("<4sI", b"OKAY", 0))


async def _fail(stream: _Stream, message: str) -> None:
    await stream.write(struct.pack("<4sI", b"FAIL", len(message.encode())) + message.encode())


def _stat(command: bytes, name: str) -> bytes:
    try:
        found = Path(name).stat(follow_symlinks=command == b"STA2")
    except OSError as error:
        if command == b"STAT":
            return struct.pack("<4s3I", command, 0, 0, 0)
        return struct.pack("<4sIQQIIIIQqqq", command, error.errno or 0, *([0] * 10))
    if command == b"STAT":
        return struct.pack("<4s3I", command, found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime))
    fields = (0, found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_size)
    return struct.pack(
        "<4sIQQIIIIQqqq", command, *fields, int(found.st_atime), int(found.st_mtime), int(found.st_ctime)
    )


def _public_key(data: bytes) -> rsa.RSAPublicKey:
    """adb's own key format: word count, -1/n mod 2^32, modulus, rr, exponent, little-endian, in base64."""
    raw = base64.b64decode(data.split()[0])
    words = struct.unpack("<I", raw[:4])[0]
    modulus = int.from_bytes(raw[8 : 8 + 4 * words], "little")
    return rsa.RSAPublicNumbers(struct.unpack("<I", raw[-4:])[0], modulus).public_key()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
