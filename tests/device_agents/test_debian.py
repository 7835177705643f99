"""The machine's own mirror, as its apt files name it; and packages that are fetched once."""

import subprocess
from pathlib import Path

import pytest

from device_agents import debian
from device_agents.debian import Mirror, machine_mirror, unpack
from foundation.errors import BuildError

DEB822 = """Types: deb
# a snapshot
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def apt_folder(root: Path, **files: str) -> Path:
    (root / "sources.list.d").mkdir()
    for name, text in files.items():
        (root / name.replace("__", "/").replace("_", ".")).write_text(text)
    return root


def test_mirror_of_deb822_sources(tmp_path: Path) -> None:
    apt = apt_folder(tmp_path, sources_list_d__debian_sources=DEB822)
    assert machine_mirror(apt) == Mirror(
        "http://mirror.example/debian", "/usr/share/keyrings/debian-archive-keyring.gpg"
    )


def test_mirror_of_a_sources_list_passes_over_other_vendors_and_security(tmp_path: Path) -> None:
    text = """# deb http://old.example/debian bookworm main
deb [arch=amd64] http://tools.example/apt stable tools
deb http://mirror.example/debian-security bookworm-security main
deb [signed-by=/keys/debian.gpg arch=amd64] http://mirror.example/debian bookworm main contrib # the mirror
"""
    assert machine_mirror(apt_folder(tmp_path, sources_list=text)) == Mirror(
        "http://mirror.example/debian", "/keys/debian.gpg"
    )


def test_disabled_and_source_entries_are_no_mirror(tmp_path: Path) -> None:
    disabled = DEB822.replace("Types: deb\n#", "Types: deb\nEnabled: no\n#")
    apt = apt_folder(
        tmp_path, sources_list_d__debian_sources=disabled, sources_list="deb-src http://a.example b main\n"
    )
    with pytest.raises(BuildError, match="names no Debian mirror"):
        machine_mirror(apt)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one file, made here."""
    root = tmp_path / "made"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: hello\nVersion: 1:2.0-3\nArchitecture: arm64\nMaintainer: Nobody\nDescription: none\n"
    )
    (root / "usr").mkdir()
    (root / "usr" / "hello").write_text("hello\n")
    path = tmp_path / "hello_1%3a2.0-3_arm64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, capture_output=True)
    return path


def test_package_is_fetched_once_and_again_when_it_was_damaged(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "cache"))
    calls: list[list[str]] = []

    def apt(arguments: list[str], _options: list[str], folder: Path, _failure: str) -> None:
        calls.append(arguments)
        if arguments[0] == "download":
            (folder / package.name).write_bytes(package.read_bytes())

    monkeypatch.setattr(debian, "_apt", apt)
    first = debian.fetch(["hello"], "bookworm", "arm64")["hello"]
    assert first.version == "1:2.0-3"
    assert first.path.read_bytes() == package.read_bytes()
    made = len(calls)
    assert debian.fetch(["hello"], "bookworm", "arm64")["hello"] == first
    assert len(calls) == made
    first.path.write_bytes(b"damaged")
    assert debian.fetch(["hello"], "bookworm", "arm64")["hello"] == first
    assert len(calls) > made


def test_unpacked_package_has_its_files_and_a_damaged_one_is_refused(package: Path, tmp_path: Path) -> None:
    unpack(package, tmp_path / "out")
    assert (tmp_path / "out" / "usr" / "hello").read_text() == "hello\n"
    package.write_bytes(package.read_bytes()[:100])
    with pytest.raises(BuildError, match=r"cannot unpack hello_1%3a2\.0-3_arm64\.deb"):
        unpack(package, tmp_path / "out")
