"""An Android-like root: a real adbd, a static busybox, and what a phone's services would answer; no libc anywhere.

The board shows it over adb. As on a phone, a program that needs a libc must bring it along with its loader: here only
adbd has one, in a folder of its own. It is built for either architecture, so that a host may run it in a namespace.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from device_agents.emulator.cpio import Entry, file, folder, link
from foundation.errors import BuildError

SUITE: Final = "trixie"  # the first Debian with an adbd for Linux
GUEST: Final = Path(__file__).parent / "guest"
SHELL: Final = 2000  # Android's user and group id of the adb shell

Architecture = Literal["arm64", "amd64"]
TRIPLETS: Final = {"arm64": "aarch64-linux-gnu", "amd64": "x86_64-linux-gnu"}
LOADERS: Final = {"arm64": "ld-linux-aarch64.so.1", "amd64": "ld-linux-x86-64.so.2"}
ABIS: Final = {"arm64": "arm64-v8a", "amd64": "x86_64"}

PROGRAMS: Final = ("adbd", "busybox-static")
C_LIBRARIES: Final = {
    "libc6": ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2"),
    "libgcc-s1": ("libgcc_s.so.1",),
    "libstdc++6": ("libstdc++.so.6",),
    "zlib1g": ("libz.so.1",),
}
ADBD_LIBRARIES: Final = {
    **C_LIBRARIES,
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
}
PACKAGES: Final = (*PROGRAMS, *ADBD_LIBRARIES)

RUN_ADBD: Final = """#!/bin/sh
exec /apex/adbd/{loader} --library-path /apex/adbd /apex/adbd/adbd
"""


def android_root(unpacked: Path, architecture: Architecture) -> list[Entry]:
    """The root's entries, out of PACKAGES of SUITE unpacked in a folder; /apex/adbd/run, as the user shell, serves adb.

    proc, sys and dev are to be mounted. Raises BuildError when a package lacks a file it should have.
    """
    adbd = one(unpacked, "usr/lib/android-sdk/platform-tools/adbd").read_bytes()
    run = RUN_ADBD.format(loader=LOADERS[architecture])
    return [
        *userland(unpacked, home="/"),
        *(folder(path) for path in ("proc", "sys", "dev")),
        link("system/bin", "../bin"),
        folder("data/local/tmp", 0o771, uid=SHELL, gid=SHELL),
        *_services(architecture),
        file("apex/adbd/adbd", adbd, 0o755),
        file("apex/adbd/run", run.encode(), 0o755),
        *libraries(unpacked, architecture, "apex/adbd", ADBD_LIBRARIES),
    ]


def userland(unpacked: Path, home: str) -> list[Entry]:
    """A static busybox under the names of its commands, and the users root and shell."""
    applets = (GUEST / "applets.txt").read_text().split()
    users = f"root:x:0:0:root:/root:/bin/sh\nshell:x:{SHELL}:{SHELL}:shell:{home}:/bin/sh\n"
    return [
        file("bin/busybox", one(unpacked, "usr/bin/busybox").read_bytes(), 0o755),
        *(link(f"bin/{applet}", "busybox") for applet in applets),
        file("etc/passwd", users.encode()),
        file("etc/group", f"root:x:0:\nshell:x:{SHELL}:\n".encode()),
    ]


def libraries(
    unpacked: Path, architecture: Architecture, destination: str, packages: dict[str, tuple[str, ...]]
) -> list[Entry]:
    """The loader and the named libraries, each a plain file under the name that programs ask for."""
    names = (LOADERS[architecture], *(name for group in packages.values() for name in group))
    paths = {name: one(unpacked, f"usr/lib/{TRIPLETS[architecture]}/**/{name}") for name in names}
    return [file(f"{destination}/{name}", path.resolve().read_bytes(), 0o755) for name, path in paths.items()]


def one(unpacked: Path, pattern: str) -> Path:
    """The only file of that pattern. Raises BuildError when there is none, or more."""
    matches = sorted(unpacked.glob(pattern))
    if len(matches) != 1:
        raise BuildError(
            f"the board's packages have {len(matches)} files named {pattern}, not one",
            hint=f"Debian {SUITE} has changed; device_agents/emulator names the packages and files the board needs",
        )
    return matches[0]


def _services(architecture: Architecture) -> list[Entry]:
    """getprop, settings, cmd and dumpsys, the texts they print, and the state that they keep."""
    state = "data/misc/board"
    texts = {name: (GUEST / f"{name}.txt").read_text() for name in ("getprop", "thermalservice", "battery")}
    texts["getprop"] = texts["getprop"].replace("@ABI@", ABIS[architecture])
    lines = [line.split(" ", 1) for line in (GUEST / "settings.txt").read_text().splitlines()]
    kept = {"battery": texts["battery"], "fixed_performance_mode": "false\n"}
    for namespace in ("global", "secure", "system"):
        kept[f"settings.{namespace}"] = "".join(f"{pair}\n" for owner, pair in lines if owner == namespace)
    return [
        *(
            file(f"bin/{name}", (GUEST / f"{name}.sh").read_bytes(), 0o755)
            for name in ("getprop", "settings", "cmd", "dumpsys")
        ),
        *(file(f"system/etc/board/{name}.txt", text.encode()) for name, text in texts.items()),
        folder(state, 0o771, uid=SHELL, gid=SHELL),
        *(file(f"{state}/{name}", text.encode(), uid=SHELL, gid=SHELL) for name, text in kept.items()),
    ]
