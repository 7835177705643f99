"""What several packages' tests share: one emulated board, booted once a session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from device_agents.emulator.board import Board, stop


@pytest.fixture(scope="session", autouse=True)
def listens_to_ctrl_c() -> None:
    """A suite started in the background inherits an ignored Ctrl-C; the processes that it starts must not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def board() -> Iterator[Board]:
    """A running deterministic board, started by a command of its own that has ended since; stopped at the end."""
    name = f"test-{os.getpid()}"
    command = [sys.executable, "-c", "from bench.main import main; main()", "emulator", "start", "--name", name]
    try:
        started = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        assert started.returncode == 0, started.stderr
        yield Board.model_validate_json(started.stdout)
    finally:
        stop(name)
