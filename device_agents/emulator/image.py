"""The board's image: a kernel and a first root file system, put together from Debian packages in plain Python.

No root rights, no emulation and no chroot are needed: packages are unpacked, the files that the guest needs are named
below, and cpio.py writes them. The image is content-addressed by its packages and by this package's own sources; the
same two always give the same bytes. The board's ssh keys are no part of it: keys.py makes them once a cache.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from device_agents.debian import Deb, fetch, unpack
from device_agents.emulator.android_root import (
    C_LIBRARIES,
    GUEST,
    LOADERS,
    PACKAGES,
    SHELL,
    SUITE,
    TRIPLETS,
    android_root,
    libraries,
    one,
    userland,
)
from device_agents.emulator.cpio import Entry, archive, character_device, file, folder, link
from foundation.cache import cache_root, key_of, sha256_file, written_whole
from foundation.errors import BuildError
from foundation.record import Record

ARCHITECTURE: Final = "arm64"
KERNEL: Final = "linux-image-cloud-arm64"  # a name for the newest kernel; it depends on the package that has it
MODULES: Final = ("failover", "net_failover", "virtio_net")
SSH_PROGRAMS: Final = ("dropbear-bin", "openssh-sftp-server")
SSH_LIBRARIES: Final = {
    "libcrypt1": ("libcrypt.so.1",),
    "libgmp10": ("libgmp.so.10",),
    "libtomcrypt1": ("libtomcrypt.so.1",),
    "libtommath1": ("libtommath.so.1",),
}


class PackageVersion(Record):
    """A Debian package that went into the image."""

    name: str
    version: str
    sha256: str


class Manifest(Record):
    """What an image is made of; `digest` names the kernel and the root file system together."""

    suite: str
    architecture: str
    packages: tuple[PackageVersion, ...]
    sources_sha256: str  # of the guest's scripts and of the code that builds the image
    kernel_sha256: str
    root_sha256: str
    digest: str


class Image(Record):
    """A built image in the cache."""

    kernel: Path
    root: Path  # uncompressed: unpacking gzip under emulation costs more than reading
    manifest: Manifest


def image() -> Image:
    """The board's image, built unless the cache has it. Raises BuildError when packages cannot be had."""
    debs = packages()
    sources = _sources_sha256()
    key = key_of({"packages": {deb.name: deb.sha256 for deb in debs.values()}, "sources": sources})
    place = cache_root() / "board" / "images" / key[:16]
    written = place / "manifest.json"
    if not written.is_file():
        build(debs, place)
    return Image(
        kernel=place / "kernel",
        root=place / "root.cpio",
        manifest=Manifest.model_validate_json(written.read_text()),
    )


def packages() -> dict[str, Deb]:
    """Everything the image is made of, by name; fetched unless the cache has it."""
    named = fetch((KERNEL, *PACKAGES, *SSH_PROGRAMS, *SSH_LIBRARIES), SUITE, ARCHITECTURE)
    depends = subprocess.run(
        ["dpkg-deb", "-f", str(named[KERNEL].path), "Depends"], capture_output=True, text=True, check=True
    ).stdout
    kernel = re.match(r"linux-image-[^ ,]+", depends)
    if kernel is None:
        raise BuildError(f"{KERNEL} {named[KERNEL].version} names no kernel package: {depends}")
    return {**named, **fetch((kernel[0],), SUITE, ARCHITECTURE)}


def _sources_sha256() -> str:
    digest = hashlib.sha256()
    own = Path(__file__).parent
    for path in sorted([*GUEST.iterdir(), *(own / f"{name}.py" for name in ("image", "android_root", "cpio"))]):
        digest.update(f"{path.name} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def build(debs: dict[str, Deb], place: Path) -> Manifest:
    """Write kernel, root.cpio and manifest.json of an image made of these packages into a folder."""
    with tempfile.TemporaryDirectory(prefix="pocketbench-board-") as scratch:
        unpacked = Path(scratch)
        for deb in debs.values():
            unpack(deb.path, unpacked)
        kernel = one(unpacked, "boot/vmlinuz-*").read_bytes()
        root = archive(_entries(unpacked))
    kernel_sha256, root_sha256 = (hashlib.sha256(data).hexdigest() for data in (kernel, root))
    manifest = Manifest(
        suite=SUITE,
        architecture=ARCHITECTURE,
        packages=tuple(
            PackageVersion(name=deb.name, version=deb.version, sha256=deb.sha256)
            for deb in sorted(debs.values(), key=lambda deb: deb.name)
        ),
        sources_sha256=_sources_sha256(),
        kernel_sha256=kernel_sha256,
        root_sha256=root_sha256,
        digest=hashlib.sha256(f"{kernel_sha256} {root_sha256}".encode()).hexdigest(),
    )
    contents = {"kernel": kernel, "root.cpio": root, "manifest.json": manifest.to_json(indent=1).encode()}
    for name, data in contents.items():  # the manifest last: it says that the image is whole
        with written_whole(place / name) as path:
            path.write_bytes(data)
    return manifest


def _entries(unpacked: Path) -> list[Entry]:
    """Every file of the guest: the Linux root that ssh sees, and in /android the root that adb sees."""
    loader, triplet = LOADERS[ARCHITECTURE], TRIPLETS[ARCHITECTURE]
    entries = [
        character_device("dev/console", 5, 1),
        *(folder(path) for path in ("proc", "sys", "run", "var/log", "mnt")),
        folder("tmp", 0o1777),
        folder("data/local/tmp", 0o771, uid=SHELL, gid=SHELL),
        file("init", (GUEST / "init.sh").read_bytes(), 0o755),
        *userland(unpacked, home="/home/shell"),
        file("etc/shells", b"/bin/sh\n"),
        file("usr/sbin/dropbear", one(unpacked, "usr/sbin/dropbear").read_bytes(), 0o755),
        file("usr/lib/openssh/sftp-server", one(unpacked, "usr/lib/openssh/sftp-server").read_bytes(), 0o755),
        link("usr/lib/sftp-server", "openssh/sftp-server"),
        link("usr/libexec/sftp-server", "../lib/openssh/sftp-server"),
        link(f"lib/{loader}", f"{triplet}/{loader}"),
        *libraries(unpacked, ARCHITECTURE, f"lib/{triplet}", {**C_LIBRARIES, **SSH_LIBRARIES}),
    ]
    for name in MODULES:
        module = one(unpacked, f"usr/lib/modules/*/kernel/**/{name}.ko.xz")
        entries.append(file(f"lib/modules/{name}.ko", lzma.decompress(module.read_bytes())))
    android = android_root(unpacked, ARCHITECTURE)
    return [*entries, *(replace(entry, path=f"android/{entry.path}") for entry in android)]
