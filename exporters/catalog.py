"""What is known of networks without importing torch: counted once in a child process, then cached."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from foundation import errors
from foundation.artifact import Preprocessing, Published, Weights
from foundation.cache import cache_root, key_of, sha256_file, written_whole
from foundation.errors import ExportError, PocketbenchError
from foundation.record import Record

FOLDER = Path(__file__).parent
LIBRARIES = ("torchvision", "timm")


class CatalogEntry(Record):
    """One network as `bench models` shows it. `macs` are multiply-accumulates of one inference at `input_size`."""

    name: str
    family: str
    input_size: int
    params: int
    macs: int
    weights: Weights
    published: Published | None
    tags: tuple[str, ...]
    preprocessing: Preprocessing | None
    classes: int
    module: str  # where the network is declared


def catalog(selection: Sequence[str], weights: str = "default") -> list[CatalogEntry]:
    """The networks of `selection` (names, families, globs, tags, sources), in its order.

    `weights` is `default`, or `torchvision`, `timm` or a file. The first call counts
    in a child process that imports torch, later ones read the answer from the cache. Raises UsageError for
    an unknown network, ExportError where torch is needed and missing.
    """
    request = {"selection": list(selection), "weights": weights}
    # A user's module may change without our noticing, and a file of weights may have gone: nothing about them is kept.
    users = any(":" in pattern and pattern.partition(":")[0] not in LIBRARIES for pattern in selection)
    if users or weights not in ("default", *LIBRARIES):
        return _counted(request)
    sources = _sources_digest()
    cached = _read(_cache_file(selection, weights, sources))
    if cached is not None:
        return cached
    entries = _counted(request)
    _write(_cache_file(selection, weights, sources), entries)
    for entry in entries:  # each network may be asked for on its own next, as definition_digest does
        _write(_cache_file([entry.name], weights, sources), [entry])
    return entries


def _cache_file(selection: Sequence[str], weights: str, sources: str) -> Path:
    key = key_of({"selection": list(selection), "weights": weights, "sources": sources})
    return cache_root() / "catalog" / f"{key}.json"


def _write(path: Path, entries: Sequence[CatalogEntry]) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps([entry.model_dump(mode="json") for entry in entries]), encoding="utf-8")


def definition_digest(name: str, weights: str = "default") -> str:
    """SHA-256 of everything that decides what `resolve(name, weights).build()` gives: for the keys of export caches.

    The source of the network's file and of all of `exporters` that it imports, the versions of torch and of
    the library a source names, and the bytes of a weights file. Imports no torch itself.
    """
    [entry] = catalog([name], weights)
    parts: dict[str, object] = {
        "name": entry.name,
        "weights": entry.weights.model_dump(),
        "torch": _version("torch"),
        "definition": _definition(entry),
    }
    if weights not in ("default", *LIBRARIES):
        parts["file"] = sha256_file(Path(weights))
    for library in LIBRARIES:
        if weights == library or name.startswith(f"{library}:"):
            parts[library] = _version(library)
    return key_of(parts)


def _definition(entry: CatalogEntry) -> dict[str, str]:
    """The digest of every source file that takes part, by module name."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # a user's module may be in the folder one works in
    pending = [entry.module, "exporters.networks.registry"]
    digests: dict[str, str] = {}
    while pending:
        module = pending.pop()
        if module in digests:
            continue
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise ExportError(f"cannot find the source of {module}")
        source = Path(spec.origin)
        digests[module] = sha256_file(source)
        if module.startswith("exporters."):
            pending += _imported(source)
    return digests


def _imported(source: Path) -> list[str]:
    """The modules of `exporters` that a source file imports from, at its top or inside functions."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return sorted(name for name in names if name.startswith("exporters."))


def _counted(request: dict[str, object]) -> list[CatalogEntry]:
    require_torch()
    child = subprocess.run(
        [sys.executable, "-m", "exporters.census"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(FOLDER.parent), *filter(None, sys.path)])},
    )
    answer = _answer(child.stdout)
    if answer is None:
        last = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        raise ExportError(f"counting {request['selection']} failed: {last}", hint="--debug shows more")
    if "error" in answer:
        raised = answer["error"]
        kind = getattr(errors, raised["type"], PocketbenchError)
        raise kind(raised["message"], hint=raised["hint"])
    return [CatalogEntry.model_validate(entry) for entry in answer["entries"]]


def _answer(printed: str) -> dict[str, dict[str, str]] | None:
    try:
        parsed = json.loads(printed.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return None
    return parsed if isinstance(parsed, dict) else None


def require_torch() -> None:
    """Raise ExportError, saying what to install, where torch is missing."""
    if importlib.util.find_spec("torch") is None:
        raise ExportError(
            "networks are built with torch, which is not installed", hint="pip install 'pocketbench[export]'"
        )


def _read(path: Path) -> list[CatalogEntry] | None:
    """The cached answer; None where there is none, or one that an older release or an interrupted disk left."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [CatalogEntry.model_validate(entry) for entry in entries]
    except (FileNotFoundError, json.JSONDecodeError, ValidationError):
        return None


def _sources_digest() -> str:
    digest = hashlib.sha256(" ".join(_version(library) for library in ("torch", *LIBRARIES)).encode())
    sources = [*sorted((FOLDER / "networks").glob("*.py")), FOLDER / "layers.py", *sorted(FOLDER.glob("*weights.py"))]
    for source in [*sources, FOLDER / "census.py", FOLDER / "graphs" / "costs.py", Path(__file__)]:
        digest.update(f"{source.name}:{sha256_file(source)};".encode())
    return digest.hexdigest()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "none"
