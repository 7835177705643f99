"""`bench agent build`: what it prints of a bundle."""

import hashlib
import json
from pathlib import Path

import pytest

from bench.main import register_commands, run
from device_agents.targets import TARGETS, own_target
from foundation.errors import Exit


@pytest.fixture(autouse=True, scope="module")
def commands() -> None:
    """Every command, as the entry point has them."""
    register_commands()


def test_json_names_every_file_with_its_size_and_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agent", "build", "--json"]) == Exit.OK
    facts = json.loads(capsys.readouterr().out)
    assert facts["target"] == own_target().name
    assert {file["name"] for file in facts["files"]} == {"agent", "libLiteRt.so", "libonnxruntime.so"}
    for file in facts["files"]:
        content = Path(file["path"]).read_bytes()
        assert (file["size_bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert facts["size_bytes"] == sum(file["size_bytes"] for file in facts["files"])


def test_unknown_target_is_a_usage_error_that_lists_the_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agent", "build", "--target", "linux-riscv64"]) == Exit.USAGE
    said = capsys.readouterr().err
    assert "linux-riscv64" in said
    assert all(name in said for name in TARGETS)
