"""Fixtures for devices: a private adb server, a daemon with faults, an ssh server of our own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.faulty_adbd import FaultyAdbd


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needed(program: str) -> str:
    """The program's path; a missing one fails the test with the name of what to install."""
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    if path is None:
        pytest.fail(f"{program} is not installed: `make packages-test`")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own: no key, no known host, no configuration of this machine is touched."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("POCKETBENCH_CONFIG", raising=False)
    return folder


@dataclass
class AdbServer:
    """An adb server on a port of its own; never the machine's 5037."""

    port: int
    home: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "HOME": str(self.home), "ADB_MDNS": "0", "ADB_USB": "0"}
        environment.pop("ADB_SERVER_SOCKET", None)
        self.process = subprocess.Popen(
            [needed("adb"), "-L", f"tcp:{self.port}", "nodaemon", "server"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 15
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        pytest.fail("the private adb server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def adb_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdbServer]:
    server = AdbServer(free_port(), home)
    monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:127.0.0.1:{server.port}")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[FaultyAdbd]:
    folder = tmp_path / "phone"
    folder.mkdir()
    with FaultyAdbd(folder) as daemon:
        yield daemon


@dataclass(frozen=True)
class SshServer:
    """An OpenSSH server of the test's own, with its own keys, on 127.0.0.1."""

    port: int
    host_key: str  # its public key, as ssh-keyscan prints it behind the host
    folder: Path


@pytest.fixture
def ssh_server(tmp_path: Path, home: Path) -> Iterator[SshServer]:
    folder = tmp_path / "sshd"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run([needed("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "authorized_keys").write_text((folder / "user.pub").read_text())
    (folder / "authorized_keys").chmod(0o600)
    port = free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "UsePAM no\nStrictModes no\n"
    )
    Path("/run/sshd").mkdir(parents=True, exist_ok=True)  # sshd's own insistence
    log = (folder / "log").open("wb")
    server = subprocess.Popen([needed("sshd"), "-D", "-e", "-f", str(folder / "config")], stdout=log, stderr=log)
    end = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            if time.monotonic() > end or server.poll() is not None:
                pytest.fail(f"sshd did not start: {(folder / 'log').read_text()}")
            time.sleep(0.05)
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "config").write_text(
        f"Host board\n  HostName 127.0.0.1\n  Port {port}\n  User {_user()}\n  IdentityFile {folder}/user\n"
    )
    yield SshServer(port, (folder / "host.pub").read_text().rsplit(" ", 1)[0], folder)
    server.terminate()
    server.wait()
    log.close()


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
