"""The cpio writer against busybox's reader, and against the format's description."""

import stat
import subprocess
from pathlib import Path

from device_agents.emulator.cpio import Entry, archive, character_device, file, folder, link


def unpacked(data: bytes, place: Path) -> Path:
    """The archive as busybox's cpio unpacks it."""
    place.mkdir()
    subprocess.run(["busybox", "cpio", "-idm"], input=data, cwd=place, check=True, capture_output=True)
    return place


def test_another_programs_reader_finds_every_entry_as_it_was_given(tmp_path: Path) -> None:
    sizes = (0, 1, 2, 3, 4, 511, 513, 70_001)  # every remainder of the padding, and more than one block
    entries = [
        folder("d", 0o1777),
        *(file(f"d/{size}", bytes(range(256)) * (size // 256) + b"x" * (size % 256)) for size in sizes),
        file("d/a name with spaces, a quote ' and ü", b"odd", 0o640, uid=2000, gid=2001),
        link("to", "d/513"),
        character_device("console", 5, 1),
        file("run", b"#!/bin/sh\n", 0o4755),
    ]
    root = unpacked(archive(entries), tmp_path / "out")
    found = {str(path.relative_to(root)) for path in root.rglob("*")}
    assert found == {entry.path for entry in entries}
    for entry in entries:
        path, status = root / entry.path, (root / entry.path).lstat()
        assert (status.st_mode, status.st_uid, status.st_gid) == (entry.mode, entry.uid, entry.gid), entry.path
        if stat.S_ISREG(entry.mode):
            assert path.read_bytes() == entry.data
    assert (root / "to").readlink() == Path("d/513")
    assert (root / "console").stat().st_rdev == (5 << 8) + 1


def test_folders_that_nobody_named_come_before_what_lies_in_them(tmp_path: Path) -> None:
    root = unpacked(archive([file("a/b/c/f", b"1"), folder("a/b", 0o700), file("a/g", b"2")]), tmp_path / "out")
    assert (root / "a/b/c/f").read_bytes() == b"1"
    assert stat.S_IMODE((root / "a/b").stat().st_mode) == 0o700  # given later, still the one that counts
    assert stat.S_IMODE((root / "a/b/c").stat().st_mode) == 0o755


def test_header_is_the_one_that_the_kernels_description_gives() -> None:
    # c_magic, then ino mode uid gid nlink mtime filesize maj min rmaj rmin namesize check, eight hex digits each
    header = archive([Entry("ab", 0o100644, b"12345", uid=2000, gid=3)])[:110]
    numbers = (1, 0o100644, 2000, 3, 1, 0, 5, 0, 0, 0, 0, 3, 0)
    assert header == b"070701" + "".join(f"{number:08x}" for number in numbers).encode()


def test_archives_end_at_a_block_so_that_the_kernel_reads_one_after_the_other() -> None:
    assert len(archive([file("x", b"1")])) % 512 == 0
