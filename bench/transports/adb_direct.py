"""A device spoken to directly, over TCP or USB: no adb server and no adb binary needed (adb-shell).

The key is the one that adb itself uses, ~/.android/adbkey, made on first need: a phone that trusts this
user's adb trusts us.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from adb_shell import constants
from adb_shell.adb_device import AdbDevice
from adb_shell.adb_message import AdbMessage
from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_pythonrsa import PythonRSASigner
from adb_shell.exceptions import (
    AdbCommandFailureException,
    AdbConnectionError,
    AdbTimeoutError,
    DeviceAuthError,
    InvalidChecksumError,
    InvalidCommandError,
    InvalidResponseError,
    TcpTimeoutException,
    UsbDeviceNotFoundError,
    UsbReadFailedError,
    UsbWriteFailedError,
)
from adb_shell.hidden_helpers import _AdbTransactionInfo
from adb_shell.transport.base_transport import BaseTransport

from bench.transports.adb_packets import EncryptionWanted, Packets, Tcp, Watched
from bench.transports.adb_sync import PIECE, answered, pieces
from bench.transports.adb_texts import CURES, error_of
from bench.transports.protocol import Progress
from bench.transports.remote import LinkLost, Process, RemoteTransport, Stream
from foundation.errors import DeviceError

AUTH_S = 15.0  # to accept the prompt on the phone
_CONNECT_S = 10.0
_IO_S = 60.0  # for one packet of a transfer
_FOREVER_S = 86400.0  # a silent command; the deadline is the caller's

_BROKEN = (
    AdbCommandFailureException,
    AdbConnectionError,
    AdbTimeoutError,
    InvalidChecksumError,
    InvalidCommandError,
    InvalidResponseError,
    TcpTimeoutException,
    UsbReadFailedError,
    UsbWriteFailedError,
    OSError,
)


def tcp_transport(host: str, port: int, patience_s: float | None = None, auth_s: float = AUTH_S) -> RemoteTransport:
    """The adbd that listens at HOST:PORT."""
    name = f"adb:{host}:{port}"
    return RemoteTransport(name, lambda: _connect(name, lambda: Tcp(host, port), auth_s), patience_s)


def usb_transport(serial: str, patience_s: float | None = None, auth_s: float = AUTH_S) -> RemoteTransport:
    """The phone with that serial on this computer's USB. Needs libusb and the right to open the device."""
    name = f"adb:{serial}"

    def opened() -> BaseTransport:
        from adb_shell.transport.usb_transport import UsbTransport  # needs libusb, which few machines lack

        return UsbTransport.find_adb(serial=serial)

    return RemoteTransport(name, lambda: _connect(name, opened, auth_s), patience_s)


def adb_key() -> PythonRSASigner:
    """This user's adb key, made when there is none. Raises DeviceError when it cannot be made or read."""
    path = Path.home() / ".android" / "adbkey"
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            keygen(str(path))
            path.chmod(0o600)
        public = path.with_suffix(".pub")
        return PythonRSASigner(public.read_text() if public.exists() else None, path.read_text())
    except (OSError, ValueError) as error:
        raise DeviceError(f"cannot use the adb key {path}: {error}", hint="remove it; a new one is made") from error


def _connect(name: str, opened: Callable[[], BaseTransport], auth_s: float) -> DirectLink:
    asked: list[bool] = []  # the phone was shown our key: it now waits for its person
    try:
        transport = Watched(opened())
        device = AdbDevice(transport, default_transport_timeout_s=_IO_S)
        device._io_manager = Packets(transport)
        device.connect(
            rsa_keys=[adb_key()],
            transport_timeout_s=_CONNECT_S,
            auth_timeout_s=auth_s,
            read_timeout_s=_CONNECT_S,
            auth_callback=lambda _: asked.append(True),
        )
    except EncryptionWanted as error:
        hint = "reach it through an adb server: `adb pair` once, then `adb connect`, as its wireless debugging shows"
        raise DeviceError(f"{name} wants an encrypted connection", hint=hint) from error
    except UsbDeviceNotFoundError as error:
        hint = "plug it in with USB debugging on; `bench doctor` checks the rest"
        raise DeviceError(f"{name} is not attached", hint=hint, retryable=True) from error
    except (DeviceAuthError, *_BROKEN, ImportError) as error:
        if asked or isinstance(error, DeviceAuthError):
            raise DeviceError(f"{name} is unauthorized", hint=CURES["unauthorized"], retryable=True) from error
        raise error_of(name, f"cannot connect to {name.removeprefix('adb:')}: {error}") from error
    return DirectLink(name, device, transport)


class DirectLink:
    """One connection to one adbd; the library carries stdout only, so stderr follows the end mark."""

    stderr_apart = False

    def __init__(self, name: str, device: AdbDevice, transport: Watched) -> None:
        self._name = name
        self._device = device
        self._transport = transport

    def start(self, command: str) -> Process:
        """See Link."""
        chunks = self._device.streaming_shell(
            command, transport_timeout_s=_FOREVER_S, read_timeout_s=_FOREVER_S, decode=False
        )
        return _DirectProcess(chunks, self._transport)

    def send(self, local: Path, remote: str, mode: int, progress: Progress | None) -> None:
        """See Link. The next piece is read while the device writes the last one."""
        device = self._device
        answer = b""
        most = min(PIECE, device._maxdata) - 8  # no multiple of a USB packet: after one an empty packet would be due
        try:
            stream = device._open(b"sync:", _IO_S, _IO_S, None)
            with local.open("rb", buffering=0) as source:
                for turn, (piece, moved) in enumerate(pieces(source, remote, mode, most)):
                    if turn:
                        answer += self._heard(stream, constants.OKAY)
                    if answer:
                        break  # a device that cannot write says so before the end
                    device._io_manager.send(
                        AdbMessage(constants.WRTE, stream.local_id, stream.remote_id, piece), stream
                    )
                    if progress is not None:
                        progress(moved)
            while (said := answered(answer)) is None:
                answer += self._heard(stream, constants.WRTE)
            if not said:
                device._clse(stream)
        except _BROKEN as error:
            raise LinkLost(_words(error)) from error
        if said:
            raise error_of(f"{self._name}, {remote}", said)

    def _heard(self, stream: _AdbTransactionInfo, awaited: bytes) -> bytes:
        """What the device wrote until a packet of the awaited kind; that kind of a piece taken is OKAY."""
        said = b""
        while True:
            kind, data = self._device._read_until([constants.OKAY, constants.WRTE, constants.CLSE], stream)
            if kind == constants.CLSE:
                raise ConnectionResetError("the device closed the stream in mid-transfer")
            said += bytes(data)
            if kind == awaited:
                return said

    def fetch(self, remote: str, local: Path) -> None:
        """See Link."""
        try:
            self._device.pull(remote, str(local), read_timeout_s=_IO_S)
        except AdbCommandFailureException as error:
            raise error_of(f"{self._name}, {remote}", _words(error)) from error
        except _BROKEN as error:
            raise LinkLost(_words(error)) from error

    def close(self) -> None:
        """Close the connection; adbd then ends what it had started."""
        with contextlib.suppress(*_BROKEN):
            self._device.close()


class _DirectProcess:
    """Chunks of one shell service. A wait that times out leaves the library's stream unusable, so the chunks are
    read in a thread and waited for in a queue."""

    def __init__(self, chunks: Iterator[bytes], transport: Watched) -> None:
        self._queue: queue.SimpleQueue[bytes | LinkLost | None] = queue.SimpleQueue()
        self._transport = transport
        self._ended = False
        self._reader = threading.Thread(target=self._read_all, args=(chunks,), daemon=True)
        self._reader.start()

    def _read_all(self, chunks: Iterator[bytes]) -> None:
        try:
            for chunk in chunks:
                self._queue.put(chunk)
            self._queue.put(None)
        except _BROKEN as error:
            self._queue.put(LinkLost(_words(error)))

    def read(self, timeout_s: float) -> tuple[Stream, bytes] | None:
        try:
            piece = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(piece, LinkLost):
            self._ended = True
            raise piece
        if piece is None:
            self._ended = True
            return None
        return "stdout", piece

    def close(self) -> None:
        """An unfinished command holds the connection: it is closed, which also ends the command on the device."""
        if not self._ended:
            with contextlib.suppress(*_BROKEN):
                self._transport.close()


def _words(error: Exception) -> str:
    """What a library's exception says; some carry bytes."""
    said = error.args[0] if error.args else type(error).__name__
    return bytes(said).decode(errors="replace") if isinstance(said, bytes | bytearray) else str(said)
