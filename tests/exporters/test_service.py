"""Exports on demand: what the cache spares, and what a child's death leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exporters import shelf
from exporters.service import Event, Exported, Failed, Request, ensure
from foundation.errors import StorageError, UsageError
from tests.exporters.artifacts import REQUESTS, TINY, Artifacts, digest_once

FLOAT = Request(TINY, "onnx", "fp32")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def warm_cache(tiny_artifacts: Artifacts, tiny_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the cache that holds the tiny artifacts."""
    assert tiny_artifacts
    folder = tmp_path / "cache"
    shutil.copytree(tiny_cache, folder)
    monkeypatch.setenv("POCKETBENCH_CACHE", str(folder))
    monkeypatch.setattr("exporters.service.definition_digest", digest_once)
    return folder


def unfinished(cache: Path) -> list[Path]:
    return [path for path in (cache / "artifacts").iterdir() if path.name.startswith(".")]


def test_importing_the_service_imports_neither_torch_nor_a_runtime() -> None:
    code = (
        "import exporters.service, sys; print(*{'torch', 'onnx', 'onnxruntime', 'ai_edge_litert'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.split() == []


@pytest.mark.usefixtures("warm_cache")
def test_what_the_cache_holds_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.children.subprocess", None)
    events: list[Event] = []
    results = ensure([*REQUESTS, REQUESTS[0]], on_event=events.append)
    assert [isinstance(one, Exported) and one.cached for one in results] == [True] * 7
    assert results[6] == results[0]
    assert [(event.kind, event.done, event.total) for event in events] == [("cached", n, 6) for n in range(1, 7)]
    found = [(one.artifact.format, one.artifact.precision) for one in results if isinstance(one, Exported)]
    assert found[:6] == [(request.format, request.precision) for request in REQUESTS]


def test_a_damaged_entry_is_exported_again_and_a_killed_or_crashing_child_fails_its_network_alone(
    warm_cache: Path, tiny_artifacts: Artifacts
) -> None:
    path = warm_cache / tiny_artifacts[TINY, "onnx", "fp32"].path.relative_to(path_of_cache(tiny_artifacts))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    killed = Request("tests.exporters.tiny:killed", "onnx", "fp32")
    crashing = Request("tests.exporters.tiny:crashing", "tflite", "fp32")
    untraceable = Request("tests.exporters.tiny:untraceable", "onnx", "fp32")
    results = ensure([killed, FLOAT, crashing, untraceable], jobs=2)
    assert [type(one).__name__ for one in results] == ["Failed", "Exported", "Failed", "Failed"], results
    first, again, third, fourth = results
    assert isinstance(first, Failed)
    assert isinstance(again, Exported)
    assert isinstance(third, Failed)
    assert isinstance(fourth, Failed)
    assert "tiny:killed: the export process was ended by SIGKILL" in first.message
    assert "memory" in first.hint
    assert "tiny:crashing: the export process was ended by SIGSEGV" in third.message
    assert "tiny:untraceable could not be exported to onnx fp32" in fourth.message
    assert "data-dependent" in fourth.message
    assert not again.cached
    assert again.artifact.macs == tiny_artifacts[TINY, "onnx", "fp32"].artifact.macs
    assert shelf.sha256_file(again.path) == again.artifact.sha256
    assert unfinished(warm_cache) == []


def path_of_cache(artifacts: Artifacts) -> Path:
    return artifacts[TINY, "onnx", "fp32"].path.parents[2]


def test_a_record_that_does_not_parse_is_no_artifact(warm_cache: Path, tiny_artifacts: Artifacts) -> None:
    key = tiny_artifacts[TINY, "tflite", "int8"].path.parent.name
    assert shelf.find(key) is not None
    (warm_cache / "artifacts" / key / "artifact.json").write_text('{"schema_version": 1', encoding="utf-8")
    assert shelf.find(key) is None
    assert not (warm_cache / "artifacts" / key).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ending_the_host_ends_its_children_and_leaves_no_half_written_file(
    warm_cache: Path, number: signal.Signals
) -> None:
    code = (
        "from exporters.service import Request, ensure\n"
        "ensure([Request('tests.exporters.tiny:endless', 'onnx', 'fp32')],"
        " on_event=lambda event: print(event.text, flush=True))"
    )
    host = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, stderr=-3)
    assert host.stdout is not None
    while "building" not in host.stdout.readline():
        assert host.poll() is None
    children = [int(pid) for pid in Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text().split()]
    assert children
    host.send_signal(number)
    host.wait(timeout=60)
    host.stdout.close()
    assert all(ended(pid) for pid in children)
    if number == signal.SIGKILL:  # nobody was left to tidy up: the next export does
        with shelf.staging() as folder:
            assert unfinished(warm_cache) == [folder]
    assert unfinished(warm_cache) == []


def ended(pid: int) -> bool:
    """Whether the process is gone, within a minute."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_an_unwritable_cache_is_found_before_any_child_starts(
    warm_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(warm_cache / "artifacts")
    (warm_cache / "artifacts").write_text("a file where the folder should be")
    monkeypatch.setattr("exporters.children.subprocess", None)
    with pytest.raises(StorageError, match="cannot write"):
        ensure([FLOAT])


@pytest.mark.usefixtures("warm_cache")
def test_an_unknown_network_is_an_error_of_the_caller() -> None:
    with pytest.raises(UsageError, match="mobilenet_v9"):
        ensure([Request("mobilenet_v9", "onnx", "fp32")])


def test_a_key_changes_with_the_definition_the_format_and_the_precision() -> None:
    keys = {
        shelf.key("net", definition, format, precision)
        for definition in ("a", "b")
        for format in ("onnx", "tflite")
        for precision in ("fp32", "int8")
    }
    assert len(keys) == 8


def test_a_file_name_has_no_path_in_it() -> None:
    assert shelf.file_name("timm:../../evil", "onnx") == "timm_.._.._evil.onnx"
    assert os.sep not in shelf.file_name("a/b", "tflite")
