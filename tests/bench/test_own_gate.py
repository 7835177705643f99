"""This project's own gate: one small network against its committed baseline, on the emulated board."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from device_agents.emulator.board import Board

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "tests" / "data" / "own_baseline.json"


def check(board: Board, folder: Path) -> subprocess.CompletedProcess[str]:
    entry = [sys.executable, "-c", "from bench.main import main; main()"]
    device = f"emulator:{board.name}"
    command = [*entry, "check", "--baseline", str(BASELINE), "--device", device, "--json", str(folder / "gate.json")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_squeezenet_is_not_slower_than_its_baseline(board: Board, tmp_path: Path) -> None:
    """Where another qemu is installed than the baseline was made with, the gate must refuse and name both."""
    ended = check(board, tmp_path)
    made_with = json.loads(BASELINE.read_text())["environment"]
    if board.qemu_version in made_with.values():
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert ended.stdout.startswith("PASS")
    else:
        assert ended.returncode == 2
        assert board.qemu_version in ended.stderr
