"""Where finished artifacts stand: `artifacts/KEY/NAME.{onnx,tflite}` and artifact.json, in the cache.

An entry appears whole (a folder renamed into place) or not at all, and is believed only while the file's hash
matches its record.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from foundation.artifact import ARTIFACT_SCHEMA, Artifact, Format, Precision
from foundation.cache import cache_root, key_of, sha256_file, storage_error
from foundation.errors import ExportError

RECORD: Final = "artifact.json"
STAGING: Final = ".staging-"  # then the pid of the host process that cleans it up

# What decides the bytes of an artifact or the content of its record: a change in any of these exports again.
SOURCES: Final[dict[Format, tuple[str, ...]]] = {
    "onnx": ("onnx.py", "graphs/onnx.py"),
    "tflite": ("tflite.py", "graphs/tflite.py", "graphs/delegation.py"),
}
SHARED_SOURCES: Final = (
    "agreement.py",
    "calibration.py",
    "forms.py",
    "graphs/costs.py",
    "graphs/reading.py",
    "labelled_pictures.txt",
    "make.py",
    "pictures.py",
    "parity.py",
    "preprocessing.py",
)
LIBRARIES: Final[dict[Format, tuple[str, ...]]] = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxruntime"),
    "tflite": ("torch", "litert-torch", "ai-edge-litert", "ai-edge-quantizer"),
}


def key(network: str, definition: str, format: Format, precision: Precision) -> str:
    """The cache key: network definition (weights included), exporter's sources, library versions.

    Raises ExportError where an export library is not installed.
    """
    return key_of(
        {
            "schema": ARTIFACT_SCHEMA,
            "network": network,
            "definition": definition,
            "format": format,
            "precision": precision,
            "sources": _sources(format),
            "versions": versions(format),
        }
    )


@cache
def versions(format: Format) -> dict[str, str]:
    """Versions of the libraries that make this format. Raises ExportError where one is missing."""
    found = {}
    for name in LIBRARIES[format]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise ExportError(
                f"exporting to {format} needs {name}, which is not installed",
                hint='pip install "pocketbench[export]"; or measure model files of your own, which needs no export',
            ) from error
    return found


@cache
def _sources(format: Format) -> str:
    folder = Path(__file__).parent
    return key_of([sha256_file(folder / name) for name in (*SHARED_SOURCES, *SOURCES[format])])


def place(key: str) -> Path:
    """The folder of one entry."""
    return cache_root() / "artifacts" / key


def find(key: str) -> tuple[Path, Artifact] | None:
    """The finished artifact of this key, or None; a damaged entry is removed."""
    folder = place(key)
    try:
        artifact = Artifact.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))
        path = folder / file_name(artifact.network, artifact.format)
        if sha256_file(path) == artifact.sha256:
            return path, artifact
    except (FileNotFoundError, NotADirectoryError):
        if not folder.exists():
            return None
    except (ValidationError, UnicodeDecodeError):
        pass  # damaged, like a file whose hash differs
    shutil.rmtree(folder, ignore_errors=True)
    return None


def file_name(network: str, format: Format) -> str:
    """A file name for any network, sources such as `timm:NAME` included."""
    return f"{''.join(sign if sign.isalnum() or sign in '._-' else '_' for sign in network)}.{format}"


def put(key: str, model: Path, artifact: Artifact) -> Path:
    """Move a finished file and its record into the cache, from a folder of `staging`; returns the file's place.

    Raises StorageError where the cache cannot be written.
    """
    folder = place(key)
    ready = Path(tempfile.mkdtemp(prefix="ready-", dir=model.parent))
    try:
        path = ready / file_name(artifact.network, artifact.format)
        model.replace(path)
        (ready / RECORD).write_text(artifact.to_json(indent=1), encoding="utf-8")
        for written in (path, ready / RECORD):
            with written.open("rb") as stream:
                os.fsync(stream.fileno())
        folder.parent.mkdir(parents=True, exist_ok=True)
        ready.chmod(0o755)
        # Another process may have finished the same export meanwhile: its entry is as good as ours.
        if find(key) is None:
            with contextlib.suppress(FileExistsError):
                ready.rename(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    return folder / path.name


@contextlib.contextmanager
def staging() -> Iterator[Path]:
    """A folder for unfinished work, gone afterwards; also clears what killed processes left.

    Raises StorageError where the cache cannot be written.
    """
    artifacts = cache_root() / "artifacts"
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
        for left in artifacts.glob(f"{STAGING}*"):
            if not _alive(left.name.removeprefix(STAGING).partition("-")[0]):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{STAGING}{os.getpid()}-", dir=artifacts))
    except OSError as error:
        raise storage_error(error, artifacts) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
