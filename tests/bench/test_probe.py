"""The agent's probe on this computer: its line is what the roofline reads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from device_agents.build import build_agent
from device_agents.targets import own_target
from results.ceilings import Ceilings


@pytest.fixture(scope="module")
def agent() -> Path:
    """The agent for this computer."""
    return build_agent(own_target())


def test_the_probe_prints_one_line_that_the_roofline_can_read(agent: Path) -> None:
    ended = subprocess.run([agent, "--probe", "1"], capture_output=True, text=True, check=True, timeout=120)
    [line] = ended.stdout.splitlines()
    found = Ceilings.model_validate_json(line)
    assert found.threads == 1
    # a multiplier a cycle at 100 MHz on the one hand, 1,000 of them at 10 GHz on the other: not a loop optimised away
    assert 1e8 < found.fp32_macs_per_second < 1e13
    assert 1e8 < found.int8_macs_per_second < 1e13
    assert 1e8 < found.read_bytes_per_second < 1e12


@pytest.mark.parametrize("threads", ["0", "-1", "many", "100000"])
def test_a_thread_count_that_is_none_is_refused(agent: Path, threads: str) -> None:
    ended = subprocess.run([agent, "--probe", threads], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["code"] == "JOB"
