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
from pathlib import Path
from typing import Final

from device_agents.debian import Deb, fetch, unpack
from device_agents.emulator.cpio import Entry, archive, character_device, file, folder, link
from foundation.cache import cache_root, key_of, sha256_file, written_whole
from foundation.errors import BuildError
from foundation.record import Record

SUITE: Final = "trixie"  # the first with an adbd for Linux
ARCHITECTURE: Final = "arm64"
KERNEL: Final = "linux-image-cloud-arm64"  # a name for the newest kernel; it depends on the package that has it
MODULES: Final = ("failover", "net_failover", "virtio_net")
LOADER: Final = "ld-linux-aarch64.so.1"
GUEST: Final = Path(__file__).parent / "guest"
SHELL: Final = 2000  # Android's user and group id of the adb shell

# Which library comes from which package; adbd's are the first two groups, dropbear's the last two.
LIBRARIES: Final = {
    "libc6": (LOADER, "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2"),
    "libgcc-s1": ("libgcc_s.so.1",),
    "libstdc++6": ("libstdc++.so.6",),
    "android-libbase": ("libbase.so.0",),
    "android-libboringssl": ("libcrypto.so.0", "libssl.so.0"),
    "android-libcutils": ("libcutils.so.0",),
    "android-liblog": ("liblog.so.0",),
    "libbrotli1": ("libbrotlicommon.so.1", "libbrotlidec.so.1", "libbrotlienc.so.1"),
    "libcap2": ("libcap.so.2",),
    "liblz4-1": ("liblz4.so.1",),
    "libprotobuf32t64": ("libprotobuf.so.32",),
    "libsystemd0": ("libsystemd.so.0",),
    "libxxhash0": ("libxxhash.so.0",),
    "libzstd1": ("libzstd.so.1",),
    "zlib1g": ("libz.so.1",),
    "libcrypt1": ("libcrypt.so.1",),
    "libgmp10": ("libgmp.so.10",),
    "libtomcrypt1": ("libtomcrypt.so.1",),
    "libtommath1": ("libtommath.so.1",),
}
BASE: Final = ("libc6", "libgcc-s1", "libstdc++6")
SSH_ONLY: Final = ("libcrypt1", "libgmp10", "libtomcrypt1", "libtommath1")
PROGRAMS: Final = ("busybox-static", "adbd", "dropbear-bin", "openssh-sftp-server")


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
    debs = _packages()
    sources = _sources_sha256()
    key = key_of({"packages": {deb.name: deb.sha256 for deb in debs.values()}, "sources": sources})
    place = cache_root() / "board" / "images" / key[:16]
    written = place / "manifest.json"
    if not written.is_file():
        _build(debs, sources, place)
    return Image(
        kernel=place / "kernel",
        root=place / "root.cpio",
        manifest=Manifest.model_validate_json(written.read_text()),
    )


def _packages() -> dict[str, Deb]:
    named = fetch((KERNEL, *PROGRAMS, *LIBRARIES), SUITE, ARCHITECTURE)
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
    for path in sorted([*GUEST.iterdir(), own / "image.py", own / "cpio.py"]):
        digest.update(f"{path.name} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def _build(debs: dict[str, Deb], sources: str, place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="pocketbench-board-") as scratch:
        unpacked = Path(scratch)
        for deb in debs.values():
            unpack(deb.path, unpacked)
        kernel = _one(unpacked, "boot/vmlinuz-*").read_bytes()
        root = archive(_entries(unpacked))
    kernel_sha256, root_sha256 = (hashlib.sha256(data).hexdigest() for data in (kernel, root))
    manifest = Manifest(
        suite=SUITE,
        architecture=ARCHITECTURE,
        packages=tuple(
            PackageVersion(name=deb.name, version=deb.version, sha256=deb.sha256)
            for deb in sorted(debs.values(), key=lambda deb: deb.name)
        ),
        sources_sha256=sources,
        kernel_sha256=kernel_sha256,
        root_sha256=root_sha256,
        digest=hashlib.sha256(f"{kernel_sha256} {root_sha256}".encode()).hexdigest(),
    )
    contents = {"kernel": kernel, "root.cpio": root, "manifest.json": manifest.to_json(indent=1).encode()}
    for name, data in contents.items():  # the manifest last: it says that the image is whole
        with written_whole(place / name) as path:
            path.write_bytes(data)


def _entries(unpacked: Path) -> list[Entry]:
    """Every file of the guest: the Linux root that ssh sees, and in it the Android-like one that adb sees."""
    busybox = _one(unpacked, "usr/bin/busybox").read_bytes()
    entries = [
        character_device("dev/console", 5, 1),
        *(folder(path) for path in ("proc", "sys", "run", "var/log", "mnt")),
        folder("tmp", 0o1777),
        folder("data/local/tmp", 0o771, uid=SHELL, gid=SHELL),
        file("init", (GUEST / "init.sh").read_bytes(), 0o755),
        *_userland("", busybox),
        file("etc/shells", b"/bin/sh\n"),
        file("usr/sbin/dropbear", _one(unpacked, "usr/sbin/dropbear").read_bytes(), 0o755),
        file("usr/lib/openssh/sftp-server", _one(unpacked, "usr/lib/openssh/sftp-server").read_bytes(), 0o755),
        link("usr/lib/sftp-server", "openssh/sftp-server"),
        link("usr/libexec/sftp-server", "../lib/openssh/sftp-server"),
        link(f"lib/{LOADER}", f"aarch64-linux-gnu/{LOADER}"),
        *_libraries(unpacked, "lib/aarch64-linux-gnu", (*BASE, "zlib1g", *SSH_ONLY)),
    ]
    for name in MODULES:
        module = _one(unpacked, f"usr/lib/modules/*/kernel/**/{name}.ko.xz")
        entries.append(file(f"lib/modules/{name}.ko", lzma.decompress(module.read_bytes())))
    return [*entries, *_android(unpacked, busybox)]


def _userland(root: str, busybox: bytes) -> list[Entry]:
    """A shell and its commands, and the two users."""
    home = "/" if root else "/home/shell"
    users = f"root:x:0:0:root:/root:/bin/sh\nshell:x:{SHELL}:{SHELL}:shell:{home}:/bin/sh\n"
    applets = (GUEST / "applets.txt").read_text().split()
    return [
        file(f"{root}bin/busybox", busybox, 0o755),
        *(link(f"{root}bin/{applet}", "busybox") for applet in applets),
        file(f"{root}etc/passwd", users.encode()),
        file(f"{root}etc/group", f"root:x:0:\nshell:x:{SHELL}:\n".encode()),
    ]


def _android(unpacked: Path, busybox: bytes) -> list[Entry]:
    """The Android-like root: no libc anywhere on a library path, adbd with its own loader in a folder of its own."""
    state = "android/data/misc/board"
    texts = {name: (GUEST / f"{name}.txt").read_bytes() for name in ("getprop", "thermalservice", "battery")}
    lines = [line.split(" ", 1) for line in (GUEST / "settings.txt").read_text().splitlines()]
    settings = {
        namespace: "".join(f"{pair}\n" for owner, pair in lines if owner == namespace)
        for namespace in ("global", "secure", "system")
    }
    return [
        *_userland("android/", busybox),
        *(folder(f"android/{path}") for path in ("proc", "sys", "dev")),
        link("android/system/bin", "../bin"),
        *(
            file(f"android/bin/{name}", (GUEST / f"{name}.sh").read_bytes(), 0o755)
            for name in ("getprop", "settings", "cmd", "dumpsys")
        ),
        *(file(f"android/system/etc/board/{name}.txt", text) for name, text in texts.items()),
        folder("android/data/local/tmp", 0o771, uid=SHELL, gid=SHELL),
        folder(state, 0o771, uid=SHELL, gid=SHELL),
        file(f"{state}/battery", texts["battery"], uid=SHELL, gid=SHELL),
        file(f"{state}/fixed_performance_mode", b"false\n", uid=SHELL, gid=SHELL),
        *(file(f"{state}/settings.{name}", text.encode(), uid=SHELL, gid=SHELL) for name, text in settings.items()),
        file("android/apex/adbd/adbd", _one(unpacked, "usr/lib/android-sdk/platform-tools/adbd").read_bytes(), 0o755),
        *_libraries(unpacked, "android/apex/adbd", tuple(name for name in LIBRARIES if name not in SSH_ONLY)),
    ]


def _libraries(unpacked: Path, destination: str, packages: tuple[str, ...]) -> list[Entry]:
    found = []
    for name in (library for package in packages for library in LIBRARIES[package]):
        path = _one(unpacked, f"usr/lib/aarch64-linux-gnu/**/{name}")
        found.append(file(f"{destination}/{name}", path.resolve().read_bytes(), 0o755))
    return found


def _one(unpacked: Path, pattern: str) -> Path:
    matches = sorted(unpacked.glob(pattern))
    if len(matches) != 1:
        raise BuildError(
            f"the board's packages have {len(matches)} files named {pattern}, not one",
            hint=f"Debian {SUITE} has changed; device_agents/emulator/image.py names the files the board needs",
        )
    return matches[0]
