"""The image: the same packages give the same bytes, and the manifest says which they were."""

import hashlib
import subprocess
import time
from pathlib import Path

import pytest

from device_agents.emulator.android_root import one
from device_agents.emulator.image import build, image, packages
from device_agents.emulator.keys import keys
from foundation.errors import BuildError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's root file system, unpacked by busybox."""
    place = tmp_path_factory.mktemp("root")
    with image().root.open("rb") as data:
        subprocess.run(["busybox", "cpio", "-idm"], stdin=data, cwd=place, check=True, capture_output=True)
    return place


def test_same_packages_give_the_same_image_at_another_time_in_another_place(tmp_path: Path) -> None:
    first = build(packages(), tmp_path / "first")
    time.sleep(1.1)  # a time stamp in whole seconds would show
    second = build(packages(), tmp_path / "elsewhere" / "second")
    assert first == second
    for name in ("kernel", "root.cpio", "manifest.json"):
        data = [(tmp_path / place / name).read_bytes() for place in ("first", "elsewhere/second")]
        assert data[0] == data[1], name
    root = tmp_path / "first" / "root.cpio"
    assert first.root_sha256 == hashlib.sha256(root.read_bytes()).hexdigest()


def test_manifest_names_each_package_with_the_version_and_hash_that_others_read() -> None:
    manifest = image().manifest
    debs = packages()
    assert {package.name for package in manifest.packages} == set(debs)
    for package in manifest.packages:
        path = debs[package.name].path
        version = subprocess.check_output(["dpkg-deb", "-f", path, "Version"], text=True).strip()
        digest = subprocess.check_output(["sha256sum", path], text=True).split()[0]
        assert (package.version, package.sha256) == (version, digest)
    assert "adbd" in debs
    assert any(name.startswith("linux-image-6") for name in debs)


def test_android_root_has_no_libc_but_the_one_that_only_adbd_finds(root: Path) -> None:
    names = ("libc.so*", "libc-*", "ld-linux*", "ld.so*", "libstdc++*", "libc++*", "linker64")
    found = {
        str(path.parent.relative_to(root / "android")) for name in names for path in (root / "android").rglob(name)
    }
    assert found == {"apex/adbd"}


def test_image_holds_no_key_and_the_keys_are_private_to_their_owner(root: Path) -> None:
    assert not (root / "etc/dropbear").exists()
    assert not list(root.rglob("authorized_keys"))
    identity = keys().identity
    assert identity.stat().st_mode & 0o077 == 0
    public = subprocess.check_output(["ssh-keygen", "-y", "-f", identity], text=True).split()[1]
    assert public in keys().archive.decode(errors="replace")


def test_package_without_a_file_it_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"0 files named usr/lib/x/\*\*/libprotobuf\.so\.32"):
        one(tmp_path, "usr/lib/x/**/libprotobuf.so.32")
