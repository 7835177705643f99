"""Why a board over ssh cannot be used, and what to do: each message leads to a connection, none is made in silence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.transports.ssh import ssh_transport
from foundation.errors import DeviceError, UsageError
from tests.bench.conftest import SshServer, _user, free_port, needed


def refused(destination: str) -> DeviceError:
    with pytest.raises(DeviceError) as error:
        ssh_transport(destination).run(["true"])
    return error.value


def test_unknown_host_key_is_refused_and_the_command_in_the_hint_accepts_it(ssh_server: SshServer, home: Path) -> None:
    error = refused("board")
    [shown] = [word for word in error.message.split() if word.startswith("SHA256:")]
    listed = subprocess.run(
        [needed("ssh-keygen"), "-lf", str(ssh_server.folder / "host.pub")], capture_output=True, text=True, check=True
    )
    assert shown in listed.stdout.split()  # as the board's owner sees it
    assert not error.retryable
    assert not (home / ".ssh" / "known_hosts").exists()
    command = error.hint.rpartition("then: ")[2]
    assert command == f"ssh-keyscan -p {ssh_server.port} 127.0.0.1 >> ~/.ssh/known_hosts"
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    transport = ssh_transport("board")
    assert transport.run(["echo", "in"]).stdout == "in\n"
    transport.close()


def test_changed_host_key_is_never_accepted(ssh_server: SshServer, home: Path) -> None:
    other = (ssh_server.folder / "user.pub").read_text().rsplit(" ", 1)[0]
    known = home / ".ssh" / "known_hosts"
    known.write_text(f"[127.0.0.1]:{ssh_server.port} {other}\n")
    error = refused("board")
    assert "the host key has CHANGED" in error.message
    assert f"ssh-keygen -R [127.0.0.1]:{ssh_server.port}" in error.hint
    assert known.read_text() == f"[127.0.0.1]:{ssh_server.port} {other}\n"


def test_board_that_does_not_know_our_key_says_how_to_give_it(ssh_server: SshServer, home: Path) -> None:
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{ssh_server.port} {ssh_server.host_key}\n")
    (ssh_server.folder / "authorized_keys").write_text("")
    error = refused("board")
    assert "refused our keys" in error.message
    assert f"ssh-copy-id -p {ssh_server.port} {_user()}@127.0.0.1" in error.hint  # the configuration names the user


def test_board_that_is_off_is_named_in_the_systems_words(home: Path) -> None:
    assert home.is_dir()
    port = free_port()
    error = refused(f"pi@127.0.0.1:{port}")
    assert error.message == f"ssh:pi@127.0.0.1:{port} does not answer: Connection refused"
    assert f"`ssh -p {port} pi@127.0.0.1`" in error.hint
    assert error.retryable


def test_destination_without_a_host_is_a_usage_error(home: Path) -> None:
    assert home.is_dir()
    with pytest.raises(UsageError, match="names no host"):
        ssh_transport("pi@").run(["true"])
