"""The Android bundles where there is no libc but their own: proof without a phone.

A model y = xW + b of binary fractions is pushed through adb to an Android-like root and measured there by the
unprivileged user; what comes back must be the product that numpy computes, exactly, from either format.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_agents.agent.self_test_models import BIAS, INPUT, WEIGHT, onnx_bytes, tflite_bytes
from device_agents.bundle import Bundle, bundle
from device_agents.emulator.board import Board
from results.evidence import parse_line
from tests.device_agents.real_adbd import adb_server, real_adbd

FOLDER = "/data/local/tmp/a bundle"
MODELS = {"onnxruntime": ("model.onnx", onnx_bytes), "litert": ("model.tflite", tflite_bytes)}


class Root:
    """An Android-like root behind adb."""

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self.address, self.environment = address, environment
        self.adb("connect", address)

    def adb(self, *arguments: str) -> str:
        """Standard output of an adb command that succeeds."""
        ended = subprocess.run(
            ["adb", "-s", self.address, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ended.returncode == 0, f"{arguments}: {ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def push(self, path: Path, name: str) -> None:
        """Copy a file into FOLDER under a name."""
        self.adb("push", str(path), f"{FOLDER}/{name}")

    def measure(self, agent: Bundle, runtime: str, scratch: Path) -> list[dict[str, Any]]:
        """The agent's records for the model in one runtime."""
        name, content = MODELS[runtime]
        model, given, job = scratch / name, scratch / "input", scratch / "job"
        model.write_bytes(content())
        given.write_bytes(INPUT.tobytes())
        settings = {
            "protocol": 1,
            "runtime": runtime,
            "library": f"{FOLDER}/{agent.library(runtime)}",
            "model": f"{FOLDER}/{name}",
            "scratch": f"{FOLDER}/scratch",
            "input": f"0 {FOLDER}/input",
            "warmup_fixed": 2,
            "samples_fixed": 5,
            "profile_runs": 3,
            "values": 1,
        }
        job.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        for path in (model, given, job):
            self.push(path, path.name)
        command = " ".join(agent.command)
        said = self.adb("shell", f"cd '{FOLDER}' && ORT_DISABLE_TELEMETRY=1 {command} job 2>errors || cat errors")
        for line in said.splitlines():
            parse_line(line)  # the schema that results keep
        return [json.loads(line) for line in said.splitlines()]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with adb_server() as variables:
        yield variables


@pytest.fixture(scope="module")
def walled(environment: dict[str, str]) -> Iterator[tuple[Root, Bundle]]:
    """The x86-64 bundle on a real adbd in a network namespace on this machine."""
    with real_adbd() as daemon:
        root, agent = Root(daemon.address, environment), bundle("android-x86_64")
        for name, path in agent.files.items():
            root.push(path, name)
        yield root, agent


@pytest.fixture(scope="module")
def emulated(board: Board, environment: dict[str, str]) -> tuple[Root, Bundle]:
    """The arm64 bundle on the emulated board."""
    root, agent = Root(board.adb_address, environment), bundle("android-arm64")
    for name, path in agent.files.items():
        root.push(path, name)
    return root, agent


@pytest.mark.parametrize("runtime", MODELS)
@pytest.mark.parametrize("place", ["walled", "emulated"])
def test_bundle_measures_without_a_libc_on_the_device(
    place: str, runtime: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    root, agent = request.getfixturevalue(place)
    assert root.adb("shell", "id -u").strip() == "2000"
    libraries = root.adb("shell", "find / -name 'libc.so*' -o -name 'ld-linux*' 2>/dev/null || true").split("\n")
    folders = {path.rsplit("/", 1)[0] for path in libraries if path}
    assert FOLDER in folders
    # What other tests pushed to the same board lies where the user may write, as ours does; the system has no libc.
    assert {folder for folder in folders if not folder.startswith("/data/local/tmp/")} == {"/apex/adbd"}
    records = root.measure(agent, runtime, tmp_path)
    kinds = [record["kind"] for record in records]
    assert kinds[0] == "hello", records
    assert kinds[-1] == "done", records[-1]
    by_kind = {record["kind"]: record for record in records}
    assert by_kind["hello"]["target"] == agent.target
    assert len(by_kind["samples"]["wall_ns"]) == 5
    assert min(by_kind["samples"]["wall_ns"]) > 0
    assert len(by_kind["ops"]["wall_ns"]) == 3
    assert by_kind["ops"]["operators"]
    assert by_kind["output"]["values"] == (INPUT @ WEIGHT + BIAS).ravel().tolist()
