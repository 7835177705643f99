"""The content-addressed cache: where it is, how a file gets into it whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.errors import PocketbenchError, StorageError


def cache_root() -> Path:
    """`POCKETBENCH_CACHE`, else `~/.cache/pocketbench`; not created here."""
    override = os.environ.get("POCKETBENCH_CACHE")
    return Path(override).expanduser() if override else Path.home() / ".cache" / "pocketbench"


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def key_of(parts: object) -> str:
    """SHA-256 of a JSON-able description; equal descriptions give equal keys."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def storage_error(error: OSError, path: Path) -> PocketbenchError:
    """The one message for a failed write: what the system said, where, and what to do next."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space, then run the same command again"
        return StorageError(f"no space left for {path}", hint=hint, retryable=True)
    hint = "choose another folder, or change its permissions"
    return StorageError(f"cannot write {path}: {error.strerror or error}", hint=hint)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it is fsynced and renamed there, on failure removed.

    Raises StorageError when the folder cannot be written or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise storage_error(error, path) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)
