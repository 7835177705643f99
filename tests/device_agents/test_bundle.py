"""Bundles: what is in them, what they ask of a device, and what would not run there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device_agents.bundle import bundle, check
from device_agents.elf import highest, read_elf, version_key
from device_agents.targets import TARGETS, own_target
from foundation.errors import BuildError
from tests.device_agents.agent_runs import own_bundle


def test_own_bundle_uses_the_installed_wheels_files_and_needs_no_newer_glibc_than_2_34() -> None:
    made = own_bundle()
    assert set(made.files) == {"agent", "libonnxruntime.so", "libLiteRt.so"}
    assert made.command == ("./agent",)
    site = Path(sys.prefix).resolve()
    assert all(site in made.files[made.library(name)].resolve().parents for name in ("onnxruntime", "litert"))
    assert (2, 28) <= version_key(made.glibc) <= (2, 34)
    assert made.size_bytes == sum(path.stat().st_size for path in made.files.values())


def test_same_bundle_twice_has_the_same_digest() -> None:
    assert bundle(own_target().name).digest == own_bundle().digest


def test_agent_names_no_folder_of_the_machine_that_built_it() -> None:
    content = own_bundle().files["agent"].read_bytes()
    assert str(Path.home()).encode() + b"/" not in content
    assert str(Path(__file__).parents[2]).encode() not in content


def test_elf_facts_equal_those_of_readelf() -> None:
    path = own_bundle().files["libonnxruntime.so"]
    facts = read_elf(path)
    said = subprocess.run(["readelf", "-dVW", path], capture_output=True, text=True, check=True).stdout
    assert [f"[{name}]" for name in facts.needed] == [
        line.split()[-1] for line in said.splitlines() if "(NEEDED)" in line
    ]
    needs = said[said.index("Version needs section") :]
    assert set(facts.versions) == {
        line.split("Name: ")[1].split()[0] for line in needs.splitlines() if "Name: " in line
    }


def test_highest_version_is_by_number_not_by_letter() -> None:
    assert highest(["GLIBC_2.9", "GLIBC_2.28", "GLIBCXX_3.4.30", "GLIBC_PRIVATE"], "GLIBC") == "2.28"


def test_file_for_another_machine_is_refused() -> None:
    other = next(target for target in TARGETS.values() if target.machine != own_target().machine)
    with pytest.raises(BuildError, match="agent is for ELF machine"):
        check(other, {"agent": own_bundle().files["agent"]})


def test_library_that_neither_bundle_nor_device_has_is_named() -> None:
    target = TARGETS["android-x86_64"] if own_target().machine == "x86_64" else TARGETS["android-arm64"]
    with pytest.raises(BuildError, match=r"libc\.so\.6"):
        check(target, {"agent": own_bundle().files["agent"]})


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + bytes(100), b"\x7fELF\x02\x01" + b"\xff" * 200]
)
def test_file_that_is_no_program_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "agent"
    path.write_bytes(content)
    with pytest.raises(BuildError):
        check(own_target(), {"agent": path})


def test_truncated_library_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "libLiteRt.so"
    shutil.copy(own_bundle().files["libLiteRt.so"], path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BuildError, match=r"libLiteRt\.so is damaged"):
        read_elf(path)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_built_whole(name: str) -> None:
    made = bundle(name)
    target = TARGETS[name]
    assert {read_elf(path).machine for path in made.files.values()} == {target.elf_machine}
    assert made.size_bytes < 50_000_000
    if target.carries_libc:
        assert made.command[0] == f"./{target.loader}"
        assert made.glibc == ""
    else:
        assert made.command == ("./agent",)
        assert version_key(made.glibc) <= (2, 34)
