"""Building the agent: cached by what goes in, the same bytes anywhere, the compiler's complaint when it fails."""

import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from device_agents import build
from device_agents.build import build_agent
from device_agents.targets import TARGETS, own_target
from foundation.errors import BuildError, UsageError

PROGRAM = '#include <cstdio>\n#include "text.h"\nint main() { std::puts(TEXT POCKETBENCH_TARGET); }\n'


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of two files, and an empty cache."""
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "main.cc").write_text(PROGRAM)
    (folder / "text.h").write_text('#define TEXT "agent for "\n')
    return folder


def test_second_build_of_the_same_sources_runs_no_compiler(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_agent(own_target(), sources=sources)
    monkeypatch.setattr(build, "compile_program", lambda *_, **__: pytest.fail("compiled again"))
    assert build_agent(own_target(), sources=sources) == first


def test_change_of_a_header_builds_anew(sources: Path) -> None:
    first = build_agent(own_target(), sources=sources)
    (sources / "text.h").write_text('#define TEXT "another agent for "\n')
    second = build_agent(own_target(), sources=sources)
    assert second != first
    assert second.read_bytes() != first.read_bytes()


def test_same_sources_give_the_same_bytes_in_another_folder(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_agent(own_target(), sources=sources).read_bytes()
    copied = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(sources, copied)
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "another cache"))
    assert build_agent(own_target(), sources=copied).read_bytes() == first


def test_compilers_complaint_is_the_errors_message_and_nothing_is_cached(sources: Path, tmp_path: Path) -> None:
    (sources / "main.cc").write_text("int main() { return no_such_name; }\n")
    with pytest.raises(BuildError, match=r"main\.cc:1:21: error: use of undeclared identifier 'no_such_name'"):
        build_agent(own_target(), sources=sources)
    assert list((tmp_path / "cache").rglob("agent")) == []


def test_missing_system_compiler_is_named(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BuildError, match="no-such-compiler"):
        build_agent(own_target(), compiler="system", sources=sources)


def test_missing_ziglang_wheel_is_named(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(build.metadata, "version", missing)
    with pytest.raises(BuildError, match="ziglang") as caught:
        build_agent(own_target(), sources=sources)
    assert "--compiler system" in caught.value.hint


def test_system_compiler_builds_a_program_that_runs(sources: Path) -> None:
    agent = build_agent(own_target(), compiler="system", sources=sources)
    said = subprocess.run([agent], capture_output=True, text=True, check=True).stdout
    assert said == f"agent for {own_target().name}\n"


def test_system_compiler_refuses_another_machine(sources: Path) -> None:
    other = next(target for target in TARGETS.values() if target.machine != own_target().machine)
    with pytest.raises(BuildError, match=other.name):
        build_agent(other, compiler="system", sources=sources)


def test_unknown_target_lists_the_known_ones() -> None:
    from device_agents.targets import target_named

    with pytest.raises(UsageError) as caught:
        target_named("windows-x86_64")
    assert all(name in caught.value.hint for name in TARGETS)
