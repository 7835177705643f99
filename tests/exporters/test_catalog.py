"""The catalog: counted once in a child process, then read from the cache without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporters import catalog as module
from exporters.catalog import catalog, definition_digest
from foundation.errors import ExportError, UsageError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path))
    return tmp_path


def test_the_second_call_starts_no_process_and_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    first = catalog(["squeezenet1_1"])

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(module.subprocess, "run", refuse)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _name: None)
    assert catalog(["squeezenet1_1"]) == first
    assert (first[0].params, first[0].weights.kind) == (1_235_496, "pretrained")


def test_a_network_counted_among_others_is_known_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    both = catalog(["squeezenet1_1", "alexnet"])

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(module.subprocess, "run", refuse)
    assert catalog(["alexnet"]) == both[1:]
    assert definition_digest("squeezenet1_1")


def test_reading_the_catalog_imports_no_torch(cache: Path) -> None:
    script = (
        "import sys; from exporters.catalog import catalog; catalog(['squeezenet1_1']);"
        "assert not {'torch', 'matplotlib', 'onnx'} & set(sys.modules)"
    )
    environment = {**os.environ, "POCKETBENCH_CACHE": str(cache)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def test_a_damaged_cache_file_is_counted_again(cache: Path) -> None:
    first = catalog(["squeezenet1_1"])
    [path] = (cache / "catalog").glob("*.json")
    path.write_text("[{")
    assert catalog(["squeezenet1_1"]) == first


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ExportError) as refused:
        catalog(["mobilenet_v2"])
    assert refused.value.hint == "pip install 'pocketbench[export]'"


def test_a_mistake_found_in_the_child_process_is_raised_here() -> None:
    with pytest.raises(UsageError, match="unknown network mobilnet_v2") as refused:
        catalog(["mobilnet_v2"])
    assert "mobilenet_v2" in refused.value.hint


def test_digests_differ_between_variants_and_are_stable() -> None:
    first, again, other = (definition_digest(name) for name in ("mobilenet_v2", "mobilenet_v2", "mobilenet_v2_r192"))
    assert first == again != other
