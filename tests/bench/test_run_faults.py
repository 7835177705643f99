"""What `bench run` survives on this machine, as a person would meet it: real processes, real signals, a real agent."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.command import ENTRY, bench, convolution, environment, started, trials, until

QUICK = ("--quick", "--trials", "3", "--models", "a.onnx,b.onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    convolution(tmp_path / "a.onnx", channels=4)
    convolution(tmp_path / "b.onnx", channels=5)
    return tmp_path


def on_disk(folder: Path, count: int) -> Callable[[], bool]:
    return lambda: any((folder / "runs").glob("*/trials.jsonl")) and len(trials(folder)) >= count


def agents_of(process: subprocess.Popen[str]) -> list[int]:
    """Process ids of the agents that this bench started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = re.search(r"\((.*)\) (.*)", path.read_text()).groups()  # type: ignore[union-attr]
        except OSError:
            continue  # it ended while we looked
        if name == "agent" and int(fields.split()[1]) == process.pid:
            found.append(int(path.parent.name))
    return found


def assert_complete(folder: Path) -> None:
    kept = trials(folder)
    assert sorted((trial["cell"], trial["block"]) for trial in kept) == [
        (f"local/{name}/onnx/fp32/t1", block) for name in ("a", "b") for block in range(3)
    ]
    assert all(json.loads(trial["lines"][-1])["kind"] == "done" for trial in kept)


def test_own_models_are_measured_without_torch(folder: Path) -> None:
    ended = bench(folder, "run", *QUICK, "--json")
    assert ended.returncode == 0, ended.stderr
    cells = json.loads(ended.stdout)["cells"]
    assert [cell["network"] for cell in cells] == ["a", "b"]
    assert [cell["macs"] for cell in cells] == [4 * 27 * 256, 5 * 27 * 256]  # 16x16 outputs, 3x3x3 each
    assert all(cell["trials"] == 3 for cell in cells)
    assert_complete(folder)


def test_several_static_inputs_are_fine(tmp_path: Path) -> None:
    convolution(tmp_path / "two.onnx", inputs=2)
    ended = bench(tmp_path, "run", "--quick", "--models", "two.onnx", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["cells"][0]["macs"] == 2 * 4 * 27 * 256


def test_a_dynamic_input_names_its_dimension_and_the_way_out(tmp_path: Path) -> None:
    convolution(tmp_path / "dynamic.onnx", dynamic=True)
    ended = bench(tmp_path, "run", "--quick", "--models", "dynamic.onnx")
    assert ended.returncode == 5
    assert "height" in ended.stderr
    assert "--input-shape" in ended.stderr
    again = bench(tmp_path, "run", "--quick", "--models", "dynamic.onnx", "--input-shape", "x0=1,3,32,16", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["cells"][0]["macs"] == 4 * 27 * 512


def test_an_unwritable_folder_is_found_before_measuring(folder: Path) -> None:
    (folder / "taken").write_text("a file, not a folder")
    ended = bench(folder, "run", *QUICK, "--out", "taken/runs")
    assert ended.returncode == 6
    assert "cannot write" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_loses_no_finished_trial_and_resume_completes_the_plan(folder: Path, ending: signal.Signals) -> None:
    process = started(folder, "run", *QUICK)
    until(on_disk(folder, 2))
    until(lambda: agents_of(process))
    agents = agents_of(process)
    process.send_signal(ending)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in stderr
    assert not any(Path(f"/proc/{agent}").exists() for agent in agents)
    before = trials(folder)
    assert 2 <= len(before) < 6
    ended = bench(folder, "run", "--resume", "latest")
    assert ended.returncode == 0, ended.stderr
    assert trials(folder)[: len(before)] == before
    assert_complete(folder)


def test_kill_9_of_the_host_loses_at_most_the_trial_in_flight(folder: Path) -> None:
    process = started(folder, "run", *QUICK)
    until(on_disk(folder, 2))
    process.kill()
    process.communicate()
    before = trials(folder)
    assert bench(folder, "run", "--resume", "latest").returncode == 0
    assert trials(folder)[: len(before)] == before
    assert_complete(folder)


def test_a_line_cut_by_the_host_s_death_is_measured_again(folder: Path) -> None:
    assert bench(folder, "run", *QUICK).returncode == 0
    [path] = (folder / "runs").glob("*/trials.jsonl")
    path.write_bytes(path.read_bytes()[:-200])
    assert bench(folder, "run", "--resume", "latest").returncode == 0
    assert_complete(folder)


def test_an_agent_killed_in_mid_trial_names_the_signal_and_the_others_go_on(folder: Path) -> None:
    process = started(folder, "run", *QUICK, "--json")
    until(lambda: agents_of(process))
    os.kill(agents_of(process)[0], signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "SIGKILL" in stderr
    hit = [trial for trial in trials(folder) if trial["signal"] == "SIGKILL"]
    assert len(hit) == 1
    cells = {cell["id"]: cell for cell in json.loads(stdout)["cells"]}
    assert len(trials(folder)) == 6
    assert cells[hit[0]["cell"]]["verdict"] == "invalid"
    assert any("SIGKILL" in reason["message"] for reason in cells[hit[0]["cell"]]["reasons"])
    others = [cell for name, cell in cells.items() if name != hit[0]["cell"]]
    assert all(reason["code"] != "INCOMPLETE" for cell in others for reason in cell["reasons"])


def test_a_full_disk_is_one_message_and_the_finished_trials_stay(folder: Path) -> None:
    disk = folder / "disk"
    disk.mkdir()
    command = " ".join(f"'{part}'" for part in [*ENTRY, "run", *QUICK, "--trials", "40", "--out", str(disk / "runs")])
    script = f"mount -t tmpfs -o size=6m none {disk} && {{ {command}; s=$?; cp -r {disk}/runs {folder}/; exit $s; }}"
    ended = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 6, ended.stderr
    assert "no space left" in ended.stderr
    assert "Traceback" not in ended.stderr
    kept = trials(folder)
    assert kept
    assert all(json.loads(trial["lines"][-1])["kind"] == "done" for trial in kept)


def test_a_changed_file_is_not_resumed(folder: Path) -> None:
    assert bench(folder, "run", *QUICK).returncode == 0
    convolution(folder / "a.onnx", channels=6)
    ended = bench(folder, "run", "--resume", "latest")
    assert ended.returncode == 6
    assert "a.onnx" in ended.stderr
