"""Files on the device: named by their hash, verified there, pushed only when they are not there yet.

A file's own name never reaches the device (it may hold spaces, quotes or newlines), and a file
under the right name counts only when its bytes hash to it, so neither an equal size nor a broken
push nor somebody's edit goes unnoticed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bench.transports.protocol import Progress, Transport
from foundation.cache import sha256_file, storage_error
from foundation.errors import DeviceError

_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BundleFiles(Protocol):
    """The agent with its runtime libraries: what to push and how to start it inside its folder."""

    @property
    def files(self) -> Mapping[str, Path]:
        """Name inside the bundle's folder -> file on this computer."""

    @property
    def sha256(self) -> Mapping[str, str]:
        """Name -> SHA-256 of that file."""

    @property
    def command(self) -> Sequence[str]:
        """How the agent starts, with the bundle's folder as working folder."""

    @property
    def digest(self) -> str:
        """SHA-256 over all files."""


class Stage:
    """What is on one device, below `workdir`. `pushed_bytes` counts what really crossed the wire."""

    def __init__(self, transport: Transport, workdir: str) -> None:
        self.transport = transport
        self.workdir = workdir.rstrip("/") or "/"
        self.pushed_bytes = 0
        self._known: dict[str, str] = {}  # remote path -> digest seen there over this connection
        self._known_at = transport.connections  # the one that the first command makes, when there is none yet
        self._hasher: tuple[Sequence[str], str | None] | None = None  # argv and working folder

    def put(
        self, local: Path, sha256: str | None = None, name: str | None = None, progress: Progress | None = None
    ) -> str:
        """The path on the device of a file with `local`'s bytes; only the suffix of `name` is kept.

        Raises DeviceError when what arrives there does not hash to `sha256`.
        """
        digest = sha256 or sha256_file(local)
        remote = f"{self.workdir}/files/{digest}{_suffix(name or local.name)}"
        if self.transport.shares_files:
            _link_all(Path(remote).parent, {Path(remote).name: local})
            return remote
        self._put_all({remote: (local, digest)}, progress)
        return remote

    def put_bundle(self, bundle: BundleFiles, progress: Progress | None = None) -> str:
        """The folder on the device that holds the bundle's files under their own names."""
        folder = f"{self.workdir}/bundles/{bundle.digest[:16]}"
        if self.transport.shares_files:
            _link_all(Path(folder), bundle.files)
            return folder
        wanted = {f"{folder}/{name}": (path, bundle.sha256[name]) for name, path in bundle.files.items()}
        if not self._has_sha256sum():
            # The agent does the hashing then; it may not be there yet, so absent files come by size first.
            self._hasher = ([*bundle.command, "--sha256"], folder)
        self._put_all(wanted, progress)
        return folder

    def forget(self) -> None:
        """Believe nothing about the device's files until they are hashed again."""
        self._known.clear()

    def _put_all(self, wanted: Mapping[str, tuple[Path, str]], progress: Progress | None) -> None:
        if self.transport.connections != self._known_at:
            self._known_at = self.transport.connections
            self.forget()
        unknown = [remote for remote, (_, digest) in wanted.items() if self._known.get(remote) != digest]
        if not unknown:
            return
        self._known.update(self._digests(unknown))
        stale = [remote for remote in unknown if self._known.get(remote) != wanted[remote][1]]
        if not stale:
            return
        for remote in stale:
            self._known.pop(remote, None)
            local = wanted[remote][0]
            self.transport.push(local, remote, progress)
            self.pushed_bytes += local.stat().st_size
        self._known.update(self._digests(stale))
        for remote in stale:
            if self._known.get(remote) != wanted[remote][1]:
                raise DeviceError(
                    f"{remote} on {self.transport.name} is not what was pushed there",
                    hint="check the cable and the device's free space, then run the same command again",
                    retryable=True,
                )

    def _digests(self, remotes: Sequence[str]) -> dict[str, str]:
        """SHA-256 of those files that are there, hashed on the device in one command."""
        if self._has_sha256sum():
            hasher, folder = 'sha256sum <"$f"', None  # no name to print: some escape what is odd in it
        elif self._hasher is not None:
            command, folder = self._hasher
            hasher = shlex.join(command) + ' "$f"'
        else:
            raise DeviceError(
                f"{self.transport.name} has no sha256sum, and the agent is not there yet",
                hint="push the bundle before any other file",
            )
        enter = f"cd -- {shlex.quote(folder)} 2>/dev/null; " if folder else ""
        script = f'{enter}for f; do [ -r "$f" ] && d=$({hasher} 2>/dev/null) || d=; echo "${{d%% *}}"; done'
        done = self.transport.run(["sh", "-c", script, "sh", *remotes], deadline_s=300)
        lines = done.stdout.splitlines()
        return {remote: line for remote, line in zip(remotes, lines, strict=False) if _DIGEST.fullmatch(line)}

    def _has_sha256sum(self) -> bool:
        if self._hasher is None:
            probe = self.transport.run(["sha256sum", "/dev/null"])
            empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            if probe.exit_status == 0 and probe.stdout.startswith(empty):
                self._hasher = (("sha256sum",), None)
        return self._hasher is not None and self._hasher[0] == ("sha256sum",)


def _suffix(name: str) -> str:
    """The last suffix in lower case when it is plain letters and digits, else nothing."""
    suffix = Path(name).suffix.lower()
    return suffix if _SUFFIX.fullmatch(suffix) else ""


def _link_all(folder: Path, files: Mapping[str, Path]) -> None:
    """A folder of links under the bundle's own names: on this computer nothing is copied."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            link = folder / name
            if not link.is_symlink() or link.readlink() != path.resolve():
                link.unlink(missing_ok=True)
                link.symlink_to(path.resolve())
    except OSError as error:
        raise storage_error(error, folder) from error
