"""A board reached over ssh (paramiko): the user's own ~/.ssh/config, keys and known hosts.

Files go through `cat`: boards with a small ssh server have no sftp.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import select
import shlex
import socket
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NoReturn

import paramiko
from paramiko.ssh_exception import NoValidConnectionsError

from bench.transports.adb_texts import error_of
from bench.transports.protocol import Progress
from bench.transports.remote import LinkLost, Process, RemoteTransport, Stream
from foundation.errors import DeviceError, UsageError

_CONNECT_S = 15.0
_IO_S = 60.0
_CHUNK = 1 << 18
_BROKEN = (paramiko.SSHException, OSError, EOFError)


def ssh_transport(
    destination: str,
    patience_s: float | None = None,
    *,
    identity: Path | None = None,
    known_hosts: Path | None = None,
) -> RemoteTransport:
    """`destination` is a host of ~/.ssh/config, HOST, USER@HOST or USER@HOST:PORT.

    `identity` and `known_hosts` take the place of the user's own, for a board that we made ourselves.
    """
    return RemoteTransport(f"ssh:{destination}", lambda: _connect(destination, identity, known_hosts), patience_s)


def _connect(destination: str, identity: Path | None, known_hosts: Path | None) -> SshLink:
    user, host, port = _parted(destination)
    config = _config().lookup(host)
    address = config.get("hostname", host)
    port = port or int(config.get("port", "22"))
    user = user or config.get("user")
    typed = f"-p {port} {user + '@' if user else ''}{address}"  # as ssh and its companions take it
    client = paramiko.SSHClient()
    listed = config.get("userknownhostsfile", "~/.ssh/known_hosts").split()
    for path in [str(known_hosts)] if known_hosts else listed:
        with contextlib.suppress(FileNotFoundError):
            client.load_system_host_keys(str(Path(path).expanduser()))
    client.set_missing_host_key_policy(_Refuse(address, port))
    name = f"ssh:{destination}"
    keys = [str(identity)] if identity else [str(Path(path).expanduser()) for path in config.get("identityfile", [])]
    try:
        client.connect(
            address,
            port=port,
            username=user,
            key_filename=keys or None,  # type: ignore[arg-type]  # a list is taken too, says paramiko's own text
            sock=_proxy(config),
            allow_agent=identity is None,
            look_for_keys=identity is None,
            timeout=_CONNECT_S,
            banner_timeout=_CONNECT_S,
            auth_timeout=_CONNECT_S,
        )
    except paramiko.BadHostKeyException as error:
        hint = f"if the board was set up anew: `ssh-keygen -R {_listed(address, port)}`, then accept its new key"
        raise DeviceError(f"{name}: the host key has CHANGED ({fingerprint(error.key)})", hint=hint) from error
    except paramiko.AuthenticationException as error:
        hint = f"put your public key on the board: `ssh-copy-id {typed}`"
        raise DeviceError(f"{name} refused our keys: {error}", hint=hint) from error
    except socket.gaierror as error:
        raise DeviceError(f"{name}: no host is called {address}", hint="check the name in devices.yaml") from error
    except _BROKEN as error:
        hint = f"check that the board is on and `ssh {typed}` works"
        raise DeviceError(f"{name} does not answer: {_reason(error)}", hint=hint, retryable=True) from error
    transport = client.get_transport()
    assert transport is not None
    transport.set_keepalive(15)
    return SshLink(name, client)


def _reason(error: Exception) -> str:
    """What the system said of each address that was tried; paramiko's own sum of them begins with `[Errno None]`."""
    if isinstance(error, NoValidConnectionsError):
        said = ((isinstance(one, OSError) and one.strerror) or str(one) for one in error.errors.values())
        return ", ".join(sorted(set(said)))
    return str(error) or type(error).__name__


def fingerprint(key: paramiko.PKey) -> str:
    """A host key as OpenSSH prints it: type and SHA256 in base64 without padding."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"


class _Refuse(paramiko.MissingHostKeyPolicy):
    """An unknown key is never accepted in silence: the message has the command that accepts it."""

    def __init__(self, address: str, port: int) -> None:
        self._address = address
        self._port = port

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> NoReturn:
        """Raises DeviceError."""
        scan = f"ssh-keyscan -p {self._port} {self._address} >> ~/.ssh/known_hosts"
        raise DeviceError(
            f"{_listed(self._address, self._port)} shows a host key that is not known: {fingerprint(key)}",
            hint=f"compare it with the board's own (`ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` there), then: {scan}",
        )


def _listed(address: str, port: int) -> str:
    """A host as known_hosts names it."""
    return address if port == 22 else f"[{address}]:{port}"


def _parted(destination: str) -> tuple[str | None, str, int | None]:
    user, _, rest = destination.rpartition("@")
    host, colon, port = rest.rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        rest = host
    else:
        port = ""
    if not rest:
        raise UsageError(f"ssh:{destination} names no host", hint="write ssh:USER@HOST or ssh:USER@HOST:PORT")
    return user or None, rest, int(port) if port else None


def _config() -> paramiko.SSHConfig:
    path = Path.home() / ".ssh" / "config"
    try:
        return paramiko.SSHConfig.from_path(str(path)) if path.exists() else paramiko.SSHConfig()
    except (OSError, paramiko.ConfigParseError) as error:
        raise DeviceError(f"cannot read {path}: {error}", hint="correct it, or move it away") from error


def _proxy(config: paramiko.SSHConfigDict) -> paramiko.ProxyCommand | None:
    if command := config.get("proxycommand"):
        return paramiko.ProxyCommand(command)
    if jump := config.get("proxyjump"):
        target = f"{config['hostname']}:{config.get('port', 22)}"
        return paramiko.ProxyCommand(f"ssh -W {shlex.quote(target)} {shlex.quote(jump)}")
    return None


class SshLink:
    """One ssh connection; each command and each transfer is a channel of its own."""

    stderr_apart = True

    def __init__(self, name: str, client: paramiko.SSHClient) -> None:
        self._name = name
        self._client = client

    def start(self, command: str) -> Process:
        """See Link."""
        return _SshProcess(self._opened(command))

    def send(self, local: Path, remote: str, mode: int, progress: Progress | None) -> None:
        """See Link: mkdir, cat, chmod."""
        folder, path = shlex.quote(str(PurePosixPath(remote).parent)), shlex.quote(remote)
        command = f"mkdir -p -- {folder} && cat > {path} && chmod {mode:o} -- {path}"
        with self._transfer(command, remote) as channel, local.open("rb") as source:
            moved = 0
            while block := source.read(_CHUNK):
                try:
                    channel.sendall(block)
                except (OSError, EOFError):
                    if channel.exit_status_ready():
                        break  # the command ended before it had read everything: its stderr says why
                    raise
                moved += len(block)
                if progress is not None:
                    progress(moved)
            channel.shutdown_write()

    def fetch(self, remote: str, local: Path) -> None:
        """See Link: cat."""
        with self._transfer(f"cat -- {shlex.quote(remote)}", remote) as channel, local.open("wb") as target:
            while block := channel.recv(_CHUNK):
                target.write(block)

    @contextlib.contextmanager
    def _transfer(self, command: str, remote: str) -> Iterator[paramiko.Channel]:
        """A command that takes or gives a file's bytes; at the end its status counts, and its stderr says why."""
        channel = self._opened(command)
        try:
            yield channel
            said = channel.makefile_stderr("rb").read()
            status = channel.recv_exit_status()
        except _BROKEN as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        finally:
            channel.close()
        if status < 0:
            raise LinkLost("the connection closed in mid-transfer")
        if status != 0:
            raise error_of(f"{self._name}, {remote}", said.decode(errors="replace"))

    def close(self) -> None:
        """Close the connection; the wrapper's watch on the device then ends what still runs."""
        with contextlib.suppress(*_BROKEN):
            self._client.close()

    def _opened(self, command: str) -> paramiko.Channel:
        try:
            transport = self._client.get_transport()
            if transport is None or not transport.is_active():
                raise LinkLost("the connection closed")
            channel = transport.open_session(timeout=_CONNECT_S, window_size=1 << 22, max_packet_size=1 << 15)
            channel.settimeout(_IO_S)
            channel.exec_command(command)
        except _BROKEN as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        return channel


class _SshProcess:
    """One channel with a command in it."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def read(self, timeout_s: float) -> tuple[Stream, bytes] | None:
        end = time.monotonic() + timeout_s
        while True:
            ended = self._channel.eof_received or self._channel.closed  # asked before what came before it
            if self._channel.recv_stderr_ready() and (data := self._channel.recv_stderr(_CHUNK)):
                return "stderr", data
            if self._channel.recv_ready() and (data := self._channel.recv(_CHUNK)):
                return "stdout", data
            if ended:
                return None
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._channel], [], [], left)[0]:
                raise TimeoutError
            time.sleep(0.001)  # the channel stays readable from its end of file until paramiko has said so

    def close(self) -> None:
        with contextlib.suppress(*_BROKEN):
            self._channel.close()
