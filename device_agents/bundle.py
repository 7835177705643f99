"""Bundles: the agent with everything it needs on one target, as files to push and a command to start."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from device_agents.build import Compiler, build_agent
from device_agents.debian import fetch, unpack
from device_agents.elf import highest, read_elf, version_key
from device_agents.targets import DEBIAN_SUITE, Target, target_named
from device_agents.wheels import RUNTIMES, runtime_library
from foundation.cache import cache_root, key_of, sha256_file
from foundation.errors import BuildError, UsageError

# What every glibc system has, besides its loader. An Android bundle brings these itself.
SYSTEM_LIBRARIES = {
    "libc.so.6": "libc6",
    "libm.so.6": "libc6",
    "libdl.so.2": "libc6",
    "libpthread.so.0": "libc6",
    "librt.so.1": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
}
LARGEST_BYTES = 80_000_000  # a phone's user notices; the largest today is 47 MB


@dataclass(frozen=True)
class Bundle:
    """`files` maps a name in the bundle to the local file; `command` starts the agent with the bundle's folder on the
    device as working directory. `glibc` is the release the device must have ("" when the bundle brings its own)."""

    target: str
    files: Mapping[str, Path]
    sha256: Mapping[str, str]
    command: tuple[str, ...]
    glibc: str
    digest: str

    @property
    def size_bytes(self) -> int:
        """Bytes to push to a device that has none of it."""
        return sum(path.stat().st_size for path in self.files.values())

    def library(self, runtime: str) -> str:
        """The name in the bundle of a runtime's library. Raises UsageError for an unknown runtime."""
        for known in RUNTIMES:
            if known.runtime == runtime:
                return known.file
        raise UsageError(f"there is no runtime {runtime!r}", hint="the agent has onnxruntime and litert")


def bundle(target: str, *, compiler: Compiler = "zig") -> Bundle:
    """The bundle for a target (targets.TARGETS); what is missing is built or fetched, the rest comes from the cache.

    On this machine's own kind the runtimes are the installed wheels' own files: nothing is copied. The same sources
    and releases always give the same `digest`. Raises UsageError for an unknown target, BuildError otherwise.
    """
    chosen = target_named(target)
    files = {"agent": build_agent(chosen, compiler=compiler)}
    files |= {runtime.file: runtime_library(runtime, chosen) for runtime in RUNTIMES}
    command: tuple[str, ...] = ("./agent",)
    if chosen.carries_libc:
        files |= _libc(chosen)
        command = (f"./{chosen.loader}", "--library-path", ".", "./agent")
    glibc = check(chosen, files)
    hashes = {name: sha256_file(path) for name, path in sorted(files.items())}
    digest = key_of({"target": target, "files": hashes, "command": command})
    return Bundle(target, files, hashes, command, "" if chosen.carries_libc else glibc, digest)


def check(target: Target, files: Mapping[str, Path]) -> str:
    """Whether the files can run on the target together; the glibc release that they need ("2.34").

    Raises BuildError for another machine's file, a library that neither the bundle nor the device has, a glibc in
    the bundle that is too old for the rest, or a bundle of unreasonable size.
    """
    facts = {name: read_elf(path) for name, path in files.items()}
    for name, elf in facts.items():
        if elf.machine != target.elf_machine:
            raise BuildError(f"{name} is for ELF machine {elf.machine}, {target.name} is {target.elf_machine}")
        on_device = set() if target.carries_libc else {*SYSTEM_LIBRARIES, target.loader}
        missing = set(elf.needed) - on_device - set(files)
        if missing:
            raise BuildError(f"{name} needs {', '.join(sorted(missing))}, which {target.name} has not")
    needed = max((highest(elf.versions, "GLIBC") for elf in facts.values()), key=version_key)
    if target.carries_libc and version_key(needed) > version_key(highest(facts["libc.so.6"].defined, "GLIBC")):
        raise BuildError(f"the bundle's glibc is older than {needed}, which its files need")
    size = sum(path.stat().st_size for path in files.values())
    if size > LARGEST_BYTES:
        raise BuildError(f"the bundle for {target.name} has {size} bytes, more than {LARGEST_BYTES}")
    return needed


def _libc(target: Target) -> dict[str, Path]:
    """The loader and the system libraries of the target, out of Debian's packages."""
    packages = {target.loader: "libc6", **SYSTEM_LIBRARIES}
    debs = fetch(sorted(set(packages.values())), DEBIAN_SUITE, target.debian)
    folder = cache_root() / "libc" / key_of({name: deb.sha256 for name, deb in debs.items()})[:32]
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache_root(), prefix=".libc-") as unpacked:
            for deb in debs.values():
                unpack(deb.path, Path(unpacked) / "root")
            kept = Path(unpacked) / "kept"
            kept.mkdir()
            for name in packages:
                found = [path for path in (Path(unpacked) / "root").rglob(name) if path.is_file()]
                if not found:
                    raise BuildError(f"Debian's package {packages[name]} has no {name}")
                shutil.copy(found[0], kept / name)  # what a link points to, under the link's name
                (kept / name).chmod(0o755)
            with contextlib.suppress(FileExistsError):  # another process was faster
                folder.parent.mkdir(parents=True, exist_ok=True)
                kept.rename(folder)
    return {name: folder / name for name in packages}
