"""The services of the adb daemon with faults: shell (with and without v2), exec and sync."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.faulty_adbd import FaultyAdbd, Stream

CLSE, OKAY = (int.from_bytes(name, "little") for name in (b"CLSE", b"OKAY"))


async def service(stream: Stream, name: str) -> None:
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


async def _shell(stream: Stream, command: str, framed: bool) -> None:
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
                kill(process.pid)
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


async def _sync(stream: Stream) -> None:
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


async def _receive(stream: Stream, daemon: FaultyAdbd, path: Path, mode: int) -> None:
    """Like the real one, it says at once that it cannot write, and takes the rest of the file all the same."""
    refused = "" if path.is_relative_to(daemon.folder) else "couldn't create file: Permission denied"
    if not refused:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        daemon.pushes.append(str(path))
    else:
        await _fail(stream, refused)
    used = daemon.used_bytes()
    while True:
        kind, length = struct.unpack("<4sI", await stream.exactly(8))
        if kind == b"DONE":
            break
        data = await stream.exactly(length)
        used += len(data)
        if not refused and daemon.faults.disk_bytes is not None and used > daemon.faults.disk_bytes:
            refused = "write failed: No space left on device"
            await _fail(stream, refused)
        if not refused:
            with path.open("ab") as target:
                target.write(data)
    if not refused:
        path.chmod(mode)
        await stream.write(struct.pack("<4sI", b"OKAY", 0))


async def _fail(stream: Stream, message: str) -> None:
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


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
