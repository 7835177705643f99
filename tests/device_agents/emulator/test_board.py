"""A booted board, reached as every phone and every Raspberry Pi is: over adb and over ssh."""

import hashlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest

from device_agents.emulator import board as boards
from device_agents.emulator.board import Board, answers, ensure_running, find, running, stop
from device_agents.emulator.image import image
from foundation.errors import UsageError
from results.device_state.battery import parse_battery
from results.device_state.cpuinfo import parse_cpuinfo
from results.device_state.properties import parse_getprop
from results.device_state.thermal import parse_thermalservice
from tests.device_agents.real_adbd import adb_server


class Phone:
    """The board's adb side through the adb program and a server of the tests' own."""

    def __init__(self, board: Board, environment: dict[str, str]) -> None:
        self.address, self.environment = board.adb_address, environment
        said = self.adb("connect", self.address).stdout
        assert "connected to" in said, said

    def adb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One adb command, whatever its status."""
        command = ["adb", "-s", self.address, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)

    def says(self, command: str) -> str:
        """Standard output of a shell command that succeeds."""
        ended = self.adb("shell", command)
        assert ended.returncode == 0, ended
        return ended.stdout.strip()


@pytest.fixture(scope="module")
def phone(board: Board) -> Iterator[Phone]:
    with adb_server() as environment:
        yield Phone(board, environment)


def ssh(board: Board, user: str = "shell") -> paramiko.SSHClient:
    """An ssh connection that takes the board's own host key only."""
    client = paramiko.SSHClient()
    client.load_host_keys(str(board.known_hosts))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        "127.0.0.1",
        board.ssh_port,
        user,
        key_filename=str(board.identity),
        allow_agent=False,
        look_for_keys=False,
        timeout=30,
        banner_timeout=60,
        auth_timeout=60,
    )
    return client


def test_adb_runs_commands_as_the_unprivileged_shell_and_gives_their_status_and_stderr(phone: Phone) -> None:
    assert phone.says("id").startswith("uid=2000(shell) gid=2000(shell)")
    assert "Permission denied" in phone.adb("shell", "touch /x").stderr
    assert phone.adb("shell", "exit 7").returncode == 7


def test_pushed_file_arrives_whole_and_may_be_executed(phone: Phone, tmp_path: Path) -> None:
    script = tmp_path / "a name with spaces"
    script.write_bytes(b"#!/bin/sh\necho ran\nexit 0\n" + os.urandom(1 << 20))
    script.chmod(0o755)
    remote = "/data/local/tmp/" + script.name
    assert phone.adb("push", str(script), remote).returncode == 0
    assert phone.says(f"sha256sum '{remote}'").split()[0] == hashlib.sha256(script.read_bytes()).hexdigest()
    assert phone.says(f"'{remote}'") == "ran"


def test_every_command_of_the_userland_exists(phone: Phone) -> None:
    own = {"busybox", "cmd", "dumpsys", "getprop", "settings"}
    assert set(phone.says("ls /bin").split()) - own <= set(phone.says("busybox --list").split())


def test_getprop_prints_all_in_brackets_and_one_value_without(phone: Phone, board: Board) -> None:
    assert phone.says("getprop ro.product.cpu.abi") == "arm64-v8a"
    assert phone.says("getprop ro.serialno") == f"board-{board.name}"
    assert phone.says("getprop ro.board.platform") == ""
    assert phone.says("getprop no.such.property fallback") == "fallback"
    assert "[ro.build.version.sdk]: [34]" in phone.says("getprop").splitlines()


def test_settings_keep_what_they_are_told(phone: Phone) -> None:
    assert phone.says("settings get global no_such_key") == "null"
    phone.says("settings put global screen_name 'a = b'")
    assert phone.says("settings get global screen_name") == "a = b"
    assert "screen_name=a = b" in phone.says("settings list global").splitlines()
    assert phone.says("settings delete global screen_name") == "Deleted 1 rows"
    assert phone.says("settings get global screen_name") == "null"
    assert phone.adb("shell", "settings get nowhere x").returncode != 0


def test_fixed_performance_mode_is_remembered(phone: Phone) -> None:
    state = "cat /data/misc/board/fixed_performance_mode"
    for value in ("true", "false"):
        phone.says(f"cmd power set-fixed-performance-mode-enabled {value}")
        assert phone.says(state) == value
    assert phone.adb("shell", "cmd power set-fixed-performance-mode-enabled maybe").returncode != 0


def test_services_report_what_a_test_lets_them(phone: Phone) -> None:
    phone.says("cmd thermalservice override-status 3; dumpsys battery set level 12; dumpsys battery set temp 431")
    thermal, battery = phone.says("dumpsys thermalservice"), phone.says("dumpsys battery")
    assert "IsStatusOverride: true" in thermal.splitlines()
    assert "Thermal Status: 3" in thermal.splitlines()
    assert {"  level: 12", "  temperature: 431", "  scale: 100"} <= set(battery.splitlines())
    phone.says("cmd thermalservice reset; cmd battery reset")
    assert "Thermal Status: 0" in phone.says("dumpsys thermalservice").splitlines()
    assert "  level: 87" in phone.says("dumpsys battery").splitlines()
    assert phone.adb("shell", "cmd nonsense x").returncode == 20


def test_answers_are_read_by_the_parsers_of_real_phones(phone: Phone) -> None:
    thermal = parse_thermalservice(phone.says("dumpsys thermalservice"))
    assert (thermal.status, thermal.overridden, thermal.hottest(0)) == (0, False, 36.5)  # the cached block says 41.5
    battery = parse_battery(phone.says("dumpsys battery"))
    assert (battery.level_percent, battery.plugs, battery.celsius) == (87, ("usb",), 25.0)
    properties = parse_getprop(phone.says("getprop"))
    assert properties["ro.product.model"] == "Emulated ARM board"
    cores = parse_cpuinfo(phone.says("cat /proc/cpuinfo")).cores
    assert [core.part for core in cores] == [0xD0B]  # Arm's number of the Cortex-A76


def test_ssh_checks_the_boards_host_key_and_refuses_another(board: Board, tmp_path: Path) -> None:
    with ssh(board) as client:
        assert client.exec_command("id -u; pwd")[1].read().split() == [b"2000", b"/home/shell"]
    other = paramiko.Ed25519Key.from_private_key_file(str(board.identity))
    wrong = tmp_path / "known_hosts"
    wrong.write_text(f"[127.0.0.1]:{board.ssh_port} ssh-ed25519 {other.get_base64()}\n")
    with pytest.raises(paramiko.BadHostKeyException):
        ssh(board.model_copy(update={"known_hosts": wrong}))


def test_ssh_and_adb_share_the_working_folder_and_ssh_has_a_libc(board: Board, phone: Phone) -> None:
    with ssh(board) as client, client.open_sftp() as files, files.open("/data/local/tmp/over ssh", "w") as remote:
        remote.write("hello")
    assert phone.says("cat '/data/local/tmp/over ssh'") == "hello"
    with ssh(board) as client:
        assert b"libc.so.6" in client.exec_command("ls /lib/aarch64-linux-gnu")[1].read()
    assert phone.adb("shell", "ls /lib").returncode != 0


def test_nobody_but_this_machine_reaches_the_board(board: Board) -> None:
    ports = {board.adb_port, board.ssh_port}
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, port = line.split()[1].split(":")
            if line.split()[3] == "0A" and int(port, 16) in ports:
                listening.add((address, int(port, 16)))
    assert listening == {("0100007F", port) for port in ports}  # 127.0.0.1 in the kernel's byte order


def test_board_reaches_nobody(board: Board) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ssh(board) as client:
        server.settimeout(3)
        port = server.getsockname()[1]
        # 10.0.2.2 is this machine's loopback as an unrestricted guest would see it
        client.exec_command(f"nc -w 2 10.0.2.2 {port} </dev/null")[1].read()
        with pytest.raises(TimeoutError):
            server.accept()


def test_board_outlives_the_command_that_started_it_and_its_ctrl_c(board: Board) -> None:
    assert os.getsid(board.pid) == board.pid != os.getsid(0)
    assert find(board.name) == board
    assert board in running()
    assert answers(board) == {"adb": True, "ssh": True}


def test_running_board_is_not_started_again_nor_given_out_with_the_other_clock(board: Board) -> None:
    assert ensure_running(board.name) == board
    with pytest.raises(UsageError, match="clock counts instructions, not nanoseconds"):
        ensure_running(board.name, deterministic=False)


def test_board_tells_what_its_numbers_depend_on(board: Board) -> None:
    said = subprocess.run(["qemu-system-aarch64", "--version"], capture_output=True, text=True, check=True).stdout
    assert board.qemu_version in said
    assert (board.clock, board.cpu, board.image) == ("instructions", "cortex-a76", image().manifest.digest)


def test_idle_board_leaves_the_machine_alone(board: Board) -> None:
    def cpu_seconds() -> float:
        fields = Path(f"/proc/{board.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    time.sleep(1)  # let what a test before has left running end
    before = cpu_seconds()
    time.sleep(3)
    assert cpu_seconds() - before < 1.0  # of 3 s; with icount's sleep=off it is the whole of them


def test_idle_connection_stays_open(phone: Phone) -> None:
    assert phone.says("sleep 3; echo still here") == "still here"


def test_computing_guest_does_not_see_the_host_stop_for_two_seconds(phone: Phone, board: Board) -> None:
    loop = "now() { cut -d ' ' -f 1 /proc/uptime; }; now; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; now"

    def guest_seconds() -> float:
        before, after = map(float, phone.says(loop).split())
        return after - before

    alone = guest_seconds()
    assert alone > 0.5  # so that it is under way when the host stops
    with ThreadPoolExecutor(1) as thread:
        interrupted = thread.submit(guest_seconds)
        time.sleep(0.3)
        os.kill(board.pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(board.pid, signal.SIGCONT)
        # /proc/uptime counts in 0.01 s; a clock that follows the host's would show the 2 s
        assert interrupted.result() == pytest.approx(alone, abs=0.05)


@pytest.mark.long
def test_two_boards_run_side_by_side_and_stop_one_by_one(board: Board) -> None:
    name = f"second-{os.getpid()}"
    try:
        second = ensure_running(name, deterministic=False)
        assert second.clock == "nanoseconds"
        assert len({board.adb_port, board.ssh_port, second.adb_port, second.ssh_port}) == 4
        assert {board.name, name} <= {each.name for each in running()}
        with ssh(second, "root") as client:
            assert client.exec_command("hostname; nproc")[1].read().split() == [name.encode(), b"2"]
        os.kill(second.pid, signal.SIGKILL)  # as the system does when memory runs out
        time.sleep(0.2)
        assert find(name) is None
        assert ensure_running(name).pid != second.pid
    finally:
        assert stop(name) is True
    assert stop(name) is False
    assert find(board.name) == board


@pytest.mark.long
def test_port_that_somebody_took_first_is_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"ports-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offered = [taken.getsockname()[1]]
        honest = boards.free_port
        monkeypatch.setattr(boards, "free_port", lambda: offered.pop() if offered else honest())
        try:
            started = ensure_running(name)
            assert started.adb_port != taken.getsockname()[1]
            assert answers(started) == {"adb": True, "ssh": True}
        finally:
            stop(name)
