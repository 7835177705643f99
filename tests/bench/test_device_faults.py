"""What a run survives on a device that misbehaves: no finished trial lost, the same cells in the end, nothing left.

The device is a daemon with faults on demand and runs the real agent of this computer. All of these run in `make test`.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bench import runner, session
from bench.devices.lock import DeviceLock, holder_of
from bench.devices.resolve import resolve
from bench.options import Options
from bench.sources import Sources, gather
from bench.transports import adb_direct, remote
from device_agents.bundle import bundle
from foundation.cache import cache_root
from foundation.errors import DeviceError
from results.evidence import Trial, lines_of
from results.store import Evidence, open_run
from tests.bench.command import convolution
from tests.bench.conftest import AdbServer
from tests.bench.faulty_adbd import FaultyAdbd

SHORT = {"warmup_fixed": "1", "samples_fixed": "5", "profile_runs": "1"}
LONG = {  # long enough to be struck in the middle
    "warmup_fixed": "1",
    "samples_min": "5",
    "samples_min_ns": "2000000000",
    "samples_max_ns": "4000000000",
    "profile_runs": "1",
}
HOSTILE = "a b'c\"d;$(touch pwned)\n`id`"
CACHE = cache_root()  # before a test takes HOME away: the agent is built once


class Bench:
    """`bench run` in this process, on the phone with faults, with two small models of our own."""

    def __init__(self, folder: Path, phone: FaultyAdbd, sources: Sources, options: Options) -> None:
        self.folder = folder
        self.phone = phone
        self.sources = sources
        self.options = options
        self.console = Console(file=(folder / "console").open("w"))

    def run(self, job: dict[str, str] = SHORT) -> Evidence:
        return session.start(self.options, self.sources, ["bench", "run"], self.console, job=job)

    def struck(self) -> None:
        """One block of long trials."""
        self.options = self.options.model_copy(update={"trials": 1})
        self.run(LONG)

    def resume(self) -> Evidence:
        return session.resume(self.options, "latest", self.console)

    def trials(self) -> list[Trial]:
        return list(open_run(self.folder / "runs", "latest").trials)

    def assert_every_cell_is_done_once(self, blocks: int = 2) -> None:
        """The same set of cells as without a fault, each finished exactly once; lost trials stand beside them."""
        done = [(trial.block, trial.cell) for trial in self.trials() if is_done(trial)]
        cells = [f"fake/{name}/onnx/fp32/t1" for name in ("a", "b")]
        assert sorted(done) == [(block, cell) for block in range(blocks) for cell in cells]

    def shown(self) -> None:
        for t in self.trials():
            print("TRIAL", t.cell, t.exit_status, t.error, t.stderr[-300:], t.lines[-1:])

    def assert_nothing_is_left(self) -> None:
        assert holder_of(self.phone.serial) is None
        assert holder_of(f"adb:{self.phone.serial}") is None
        end = time.monotonic() + 10
        while (left := agents_in(self.phone.folder)) and time.monotonic() < end:
            time.sleep(0.05)
        assert left == []


def is_done(trial: Trial) -> bool:
    records = list(lines_of(trial))
    return bool(records) and records[-1].kind == "done"


def agents_in(folder: Path, measuring: bool = False) -> list[int]:
    """Agents that run out of a folder; with `measuring` only those that have a job."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            where = (entry / "cwd").readlink()
        except OSError:
            continue  # it ended while we looked, or is not ours
        at_work = not measuring or any(part.endswith(b"/job") for part in arguments)
        if arguments[0].endswith(b"agent") and where.is_relative_to(folder) and at_work:
            found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("models")
    return gather(Options(models=tuple(str(convolution(folder / f"{n}.onnx", channels=c)) for n, c in MODELS)))


MODELS = (("a", 4), ("b", 5))


@pytest.fixture
def bench(
    tmp_path: Path, home: Path, phone: FaultyAdbd, small_models: Sources, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.setenv("POCKETBENCH_CACHE", str(CACHE))
    monkeypatch.setattr(runner, "RECONNECT_PAUSE_S", 0.2)
    monkeypatch.setattr(remote, "PATIENCE_S", 6.0)
    monkeypatch.setattr(adb_direct, "AUTH_S", 2.0)
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:127.0.0.1:9")  # nobody listens: the device is reached directly
    configure(home, phone, f"{phone.folder}/work")
    return Bench(
        tmp_path,
        phone,
        small_models,
        Options(device=("fake",), models=("a.onnx", "b.onnx"), trials=2, out=tmp_path / "runs"),
    )


def configure(home: Path, phone: FaultyAdbd, workdir: str, stage: bool = True) -> None:
    config = home / ".config" / "pocketbench"
    config.mkdir(parents=True, exist_ok=True)
    settings = {"fake": {"device": f"adb:{phone.serial}", "workdir": workdir, "pace": False}}
    (config / "devices.yaml").write_text(json.dumps(settings))
    if stage:  # the bundle is there already, as after an earlier run: the faults are to strike elsewhere
        made = bundle("linux-x86_64")
        folder = Path(workdir) / "bundles" / made.digest[:16]
        folder.mkdir(parents=True)
        for name, path in made.files.items():
            os.link(path, folder / name) if same_disk(path, folder) else (folder / name).write_bytes(path.read_bytes())
            (folder / name).chmod(0o755)


def same_disk(first: Path, second: Path) -> bool:
    return first.stat().st_dev == second.stat().st_dev


@pytest.fixture
def later() -> Iterator[Callable[[Callable[[], bool], Callable[[], None]], None]]:
    """Do something from another thread as soon as a condition holds."""
    threads: list[threading.Thread] = []

    def start(when: Callable[[], bool], action: Callable[[], None]) -> None:
        def watch() -> None:
            end = time.monotonic() + 60
            while not when() and time.monotonic() < end:
                time.sleep(0.01)
            action()

        threads.append(threading.Thread(target=watch))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(70)


def test_run_on_a_device_is_whole_and_the_second_pushes_only_jobs(bench: Bench) -> None:
    bench.run()
    bench.assert_every_cell_is_done_once()
    bench.phone.pushes.clear()
    bench.run()
    assert {Path(path).name for path in bench.phone.pushes} == {"job"}
    bench.assert_nothing_is_left()


def test_refused_authorisation_says_what_to_do_on_the_phone(bench: Bench) -> None:
    bench.phone.faults.authorisation = "prompt ignored"
    with pytest.raises(DeviceError, match="unauthorized") as refused:
        bench.run()
    assert "Allow USB debugging" in refused.value.hint
    bench.assert_nothing_is_left()


def test_accepted_authorisation_is_remembered_with_adbs_own_key(bench: Bench, home: Path) -> None:
    bench.phone.faults.authorisation = "prompt accepted"
    with resolve("fake").open() as device:
        assert device.transport.run(["echo", "in"]).stdout == "in\n"
    assert (home / ".android" / "adbkey").stat().st_mode & 0o077 == 0
    bench.phone.faults.authorisation = "prompt ignored"  # no new prompt: the key is known
    with resolve("fake").open() as device:
        assert device.transport.run(["echo", "in"]).stdout == "in\n"


def test_cable_out_while_pushing_is_pushed_again(bench: Bench, home: Path) -> None:
    configure(home, bench.phone, f"{bench.phone.folder}/unstaged", stage=False)
    bench.phone.faults.cable_out_after_received = 3_000_000
    bench.phone.faults.stays_out_s = 0.5
    bench.run()
    bench.assert_every_cell_is_done_once()
    bench.assert_nothing_is_left()


def test_cable_out_while_running_measures_that_trial_again(bench: Bench) -> None:
    bench.phone.faults.cable_out_on_output = b'"kind":"hello"'
    bench.phone.faults.stays_out_s = 0.5
    bench.run()
    lost = [trial for trial in bench.trials() if trial.exit_status is None]
    assert len(lost) == 1
    assert "was lost" in (lost[0].error or "")
    bench.assert_every_cell_is_done_once()
    bench.assert_nothing_is_left()


def test_cable_out_while_pulling_is_pulled_again(bench: Bench, tmp_path: Path) -> None:
    big = bench.phone.folder / "big"
    big.write_bytes(os.urandom(3_000_000))
    with resolve("fake").open() as device:
        bench.phone.faults.cable_out_after_sent = bench.phone.sent + 1_000_000
        device.transport.pull(str(big), tmp_path / "back")
        assert bench.phone.faults.cable_out_after_sent is None  # it struck
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_cable_out_for_good_keeps_finished_trials_and_resume_completes_the_same_cells(
    bench: Bench, later: Callable[[Callable[[], bool], Callable[[], None]], None]
) -> None:
    done = bench.folder / "runs"
    later(lambda: sum(is_done(trial) for path in done.glob("*") for trial in known(path)) >= 2, bench.phone.cable_out)
    with pytest.raises(DeviceError, match=r"lost|connect"):
        bench.run()
    before = [trial for trial in bench.trials() if is_done(trial)]
    assert len(before) >= 2
    bench.phone.cable_in()
    bench.resume()
    assert [trial for trial in bench.trials() if is_done(trial)][: len(before)] == before
    bench.assert_every_cell_is_done_once()
    bench.assert_nothing_is_left()


def known(folder: Path) -> list[Trial]:
    """The whole trials on the disk while the run goes on."""
    path = folder / "trials.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [Trial.model_validate_json(line) for line in lines]


def test_device_rebooted_in_mid_run_gets_its_files_again(
    bench: Bench, later: Callable[[Callable[[], bool], Callable[[], None]], None]
) -> None:
    def reboot() -> None:
        bench.phone.reboot(forgets=bench.phone.folder / "work")  # a board in memory comes back without its files

    later(lambda: bool(agents_in(bench.phone.folder, measuring=True)), reboot)
    bench.struck()
    bench.shown()
    assert any("bundles" in path for path in bench.phone.pushes)
    bench.assert_every_cell_is_done_once(blocks=1)
    bench.assert_nothing_is_left()


def test_adb_server_killed_in_mid_run_and_started_again(
    bench: Bench,
    adb_server: AdbServer,
    later: Callable[[Callable[[], bool], Callable[[], None]], None],
) -> None:
    def restart() -> None:
        adb_server.stop()
        time.sleep(0.5)
        adb_server.start()

    later(lambda: bool(agents_in(bench.phone.folder, measuring=True)), restart)
    bench.struck()
    assert len([trial for trial in bench.trials() if not is_done(trial)]) == 1
    bench.assert_every_cell_is_done_once(blocks=1)
    bench.assert_nothing_is_left()


def test_full_disk_stops_with_the_devices_own_words_and_resume_goes_on(bench: Bench) -> None:
    bench.phone.faults.disk_bytes = bench.phone.used_bytes() + 100
    with pytest.raises(DeviceError, match="No space left on device"):
        bench.run()
    bench.phone.faults.disk_bytes = None
    bench.resume()
    bench.assert_every_cell_is_done_once()
    bench.assert_nothing_is_left()


def test_agent_killed_on_the_device_is_evidence_and_the_run_goes_on(
    bench: Bench, later: Callable[[Callable[[], bool], Callable[[], None]], None]
) -> None:
    def kill() -> None:
        for pid in agents_in(bench.phone.folder):
            os.kill(pid, signal.SIGKILL)

    later(lambda: bool(agents_in(bench.phone.folder, measuring=True)), kill)
    bench.struck()
    killed = [trial for trial in bench.trials() if trial.signal]
    assert [(trial.signal, trial.exit_status) for trial in killed] == [("SIGKILL", 137)]
    assert sum(is_done(trial) for trial in bench.trials()) == 1
    bench.assert_nothing_is_left()


def test_slow_link_only_takes_longer(bench: Bench) -> None:
    bench.phone.faults.packet_delay_s = 0.1
    bench.options = bench.options.model_copy(update={"trials": 1})
    bench.run()
    bench.assert_every_cell_is_done_once(blocks=1)
    bench.assert_nothing_is_left()


def test_output_cut_before_done_is_measured_again_though_adb_says_zero(bench: Bench, adb_server: AdbServer) -> None:
    assert adb_server.process is not None
    bench.phone.faults.end_on_output = b'"kind":"samples"'
    bench.run()
    cut = [trial for trial in bench.trials() if not is_done(trial)]
    assert [trial.exit_status for trial in cut] == [None]
    assert cut[0].lines
    bench.assert_every_cell_is_done_once()
    bench.assert_nothing_is_left()


def test_second_host_process_is_refused_and_told_who_holds_the_device(bench: Bench) -> None:
    lock = DeviceLock(f"adb:{bench.phone.serial}")
    try:
        child = os.fork()
        if child == 0:  # another process, with the same cache
            try:
                resolve("fake").open(wait=False)
                os._exit(1)
            except DeviceError as error:
                os._exit(0 if f"process {os.getppid()}" in error.message else 2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        lock.release()


def test_second_host_process_waits_for_the_first(bench: Bench) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        held = DeviceLock(f"adb:{bench.phone.serial}")
        os.write(writing, b"1")
        time.sleep(1)
        held.release()
        os._exit(0)
    os.read(reading, 1)
    said: list[str] = []
    with resolve("fake").open(say=said.append) as device:
        assert device.transport.run(["echo", "mine"]).stdout == "mine\n"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(said) == 1
    assert f"process {child}" in said[0]


def test_lock_of_a_killed_process_is_free_at_once(bench: Bench) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        DeviceLock(f"adb:{bench.phone.serial}")
        os.write(writing, b"1")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    resolve("fake").open(wait=False).close()


def test_hostile_folder_and_model_names_are_only_names(
    bench: Bench, home: Path, tmp_path: Path, phone: FaultyAdbd
) -> None:
    configure(home, phone, f"{phone.folder}/{HOSTILE}")
    model = convolution(tmp_path / f"{HOSTILE}.onnx", channels=6)
    bench.sources = gather(Options(models=(str(model),)))
    bench.run()
    assert all(is_done(trial) for trial in bench.trials())
    assert len(bench.trials()) == 2
    assert not list(tmp_path.rglob("pwned"))
    bench.assert_nothing_is_left()


def test_serial_with_spaces_and_brackets_has_a_lock_of_its_own(home: Path) -> None:
    first = DeviceLock("adb:adb-11aa22bb-X9sGA6 (2)._adb-tls-connect._tcp", wait=False)
    second = DeviceLock("adb:adb-11aa22bb-X9sGA6_(2)._adb-tls-connect._tcp", wait=False)
    assert first.path != second.path
    assert first.path.parent == second.path.parent
    first.release()
    second.release()
    assert not list(home.rglob("*.lock"))
