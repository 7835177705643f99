"""What every remote transport must do, on each of them: adb through a server, adb direct, ssh."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.staging import Stage
from bench.transports.adb import adb_transport
from bench.transports.adb_direct import tcp_transport
from bench.transports.remote import RemoteTransport
from bench.transports.ssh import ssh_transport
from foundation.errors import DeviceError
from tests.bench.conftest import SshServer
from tests.bench.faulty_adbd import FaultyAdbd
from tests.bench.test_local_transport import gone

HOSTILE = "a b'c\"d;$(touch pwned)\n`id` \\ *"


@pytest.fixture(params=["adb", "adb without shell v2", "adb direct", "ssh"])
def transport(request: pytest.FixtureRequest) -> Iterator[RemoteTransport]:
    if request.param == "ssh":
        server: SshServer = request.getfixturevalue("ssh_server")
        home: Path = request.getfixturevalue("home")
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
        made = ssh_transport("board", patience_s=5)
    else:
        request.getfixturevalue("home")
        phone = request.getfixturevalue("phone")
        if request.param == "adb direct":
            made = tcp_transport("127.0.0.1", phone.port, patience_s=5)
        else:
            phone.faults.shell_v2 = request.param == "adb"
            request.getfixturevalue("adb_server")
            made = adb_transport(phone.serial, patience_s=5)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the fake phone serves too."""
    path = tmp_path / "phone" / "work"
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_status_streams_folder_and_environment(transport: RemoteTransport, folder: Path) -> None:
    script = 'printf "%s\\n" "$VALUE|$1|$(pwd)"; echo "to stderr" >&2; exit 7'
    done = transport.run(["sh", "-c", script, "sh", HOSTILE], cwd=str(folder), env={"VALUE": HOSTILE})
    assert done.stdout == f"{HOSTILE}|{HOSTILE}|{folder}\n"
    assert done.stderr == "to stderr\n"
    assert done.exit_status == 7


def test_lines_come_while_the_program_runs(transport: RemoteTransport, folder: Path) -> None:
    go = folder / "go"
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        go.touch()  # the program waits for this: it comes only if the line does

    script = f"echo first; while [ ! -e '{go}' ]; do sleep 0.05; done; printf last"
    done = transport.run(["sh", "-c", script], deadline_s=20, on_line=on_line)
    assert seen == ["first", "last"]
    assert done.exit_status == 0


def test_program_that_dies_of_a_signal_is_named(transport: RemoteTransport) -> None:
    assert transport.run(["sh", "-c", "kill -9 $$"]).signal == "SIGKILL"


def test_missed_deadline_ends_the_process_and_the_next_command_works(transport: RemoteTransport, folder: Path) -> None:
    pid = folder / "pid"
    with pytest.raises(DeviceError, match="still running"):
        transport.run(["sh", "-c", f"echo $$ > '{pid}'; exec sleep 60"], deadline_s=1.5)
    assert transport.run(["echo", "alive"]).stdout == "alive\n"
    assert gone(int(pid.read_text()))


def test_interrupt_ends_the_process(transport: RemoteTransport) -> None:
    seen: list[int] = []

    def interrupt(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transport.run(["sh", "-c", "echo $$; exec sleep 60"], on_line=interrupt)
    assert gone(seen[0])


def test_close_from_another_thread_ends_the_process(transport: RemoteTransport) -> None:
    seen: list[int] = []
    failures: list[DeviceError] = []

    def run() -> None:
        try:
            transport.run(["sh", "-c", "echo $$; exec sleep 60"], on_line=lambda line: seen.append(int(line)))
        except DeviceError as error:
            failures.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    end = time.monotonic() + 20
    while not seen and time.monotonic() < end:
        time.sleep(0.02)
    transport.close()
    worker.join(20)
    assert not worker.is_alive()
    assert len(failures) == 1
    assert gone(seen[0])


def test_hostile_names_survive_push_and_pull(transport: RemoteTransport, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / f"so{HOSTILE.replace('/', '')}urce"
    source.write_bytes(os.urandom(200_000))
    source.chmod(0o755)
    remote = f"{folder}/{HOSTILE}/{HOSTILE}"
    moved: list[int] = []
    transport.push(source, remote, moved.append)
    assert Path(remote).read_bytes() == source.read_bytes()
    assert os.access(remote, os.X_OK)
    assert moved[-1] == 200_000
    back = tmp_path / "back"
    transport.pull(remote, back)
    assert back.read_bytes() == source.read_bytes()
    assert not list(tmp_path.rglob("pwned"))


def test_pull_of_a_missing_file_says_so(transport: RemoteTransport, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="No such file"):
        transport.pull(f"{folder}/absent", tmp_path / "back")


def test_full_disk_in_the_middle_of_a_large_file_is_told_in_the_devices_words(
    transport: RemoteTransport, request: pytest.FixtureRequest, folder: Path, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(5_000_000))
    if transport.name.startswith("ssh"):  # sshd serves this computer's own disk: Linux has a file that is always full
        full = "/dev/full"
    else:
        full = f"{folder}/full"
        phone: FaultyAdbd = request.getfixturevalue("phone")
        phone.faults.disk_bytes = phone.used_bytes() + 1_500_000
    with pytest.raises(DeviceError, match="No space left on device") as error:
        transport.push(big, full)
    assert not error.value.retryable
    if not transport.name.startswith("ssh"):
        phone.faults.disk_bytes = None
    transport.push(big, f"{folder}/big")
    assert (folder / "big").read_bytes() == big.read_bytes()


def test_unchanged_file_costs_nothing_and_a_changed_one_of_equal_size_is_pushed(
    transport: RemoteTransport, folder: Path, tmp_path: Path
) -> None:
    model = tmp_path / f"{HOSTILE.replace('/', '')}.tflite"
    model.write_bytes(b"a" * 1000)
    first = Stage(transport, str(folder))
    remote = first.put(model)
    assert first.pushed_bytes == 1000
    again = Stage(transport, str(folder))
    assert again.put(model) == remote
    assert again.pushed_bytes == 0
    model.write_bytes(b"b" * 1000)
    changed = again.put(model)
    assert again.pushed_bytes == 1000
    assert Path(changed).read_bytes() == b"b" * 1000
    assert changed != remote


def test_wrong_file_under_the_right_name_is_replaced(transport: RemoteTransport, folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(b"right" * 100)
    remote = Path(Stage(transport, str(folder)).put(model))
    remote.write_bytes(b"wrong" * 100)
    stage = Stage(transport, str(folder))
    assert stage.put(model) == str(remote)
    assert remote.read_bytes() == b"right" * 100
    assert stage.pushed_bytes == 500
