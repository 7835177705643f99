"""A user's own .onnx or .tflite as an artifact: what it takes, what it computes. No torch needed.

The file is not trusted: a child process with limits on memory and time parses it and lets the runtime load it, so that
a file that crashes or hangs a parser costs one clear error. `python -m exporters.inspect` is that child.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from exporters.children import import_path
from exporters.graphs.reading import Reading
from exporters.service import Exported
from foundation.artifact import Artifact, Format, Weights
from foundation.cache import cache_root, key_of, sha256_file, written_whole
from foundation.errors import ModelError, PocketbenchError, UsageError

TIME_LIMIT_S: Final = 300
MEMORY_LIMIT: Final = 8 << 30  # bytes of address space, and 8 times the file on top
SOURCES: Final = (
    "inspect.py",
    "graphs/costs.py",
    "graphs/delegation.py",
    "graphs/onnx.py",
    "graphs/reading.py",
    "graphs/tflite.py",
)

Shapes = Mapping[str, tuple[int, ...]]


def read_model(path: Path, input_shapes: Shapes | None = None) -> Exported:
    """The file as an artifact. ONNX inputs with dynamic dimensions take theirs from `input_shapes` (name -> shape).

    With shapes given, the artifact is a copy in the cache with those shapes fixed. Raises ModelError for a file that
    is damaged, dynamic or beyond the runtime, UsageError for a shape that does not fit.
    """
    try:
        digest = sha256_file(path)
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}", hint="check the path given to --models") from error
    if path.suffix not in (".onnx", ".tflite"):
        raise UsageError(f"{path} is neither .onnx nor .tflite", hint="convert it to one of them first")
    if size == 0:
        raise ModelError(f"{path} is empty", hint="export it again")
    shapes = {name: list(shape) for name, shape in (input_shapes or {}).items()}
    sources = [sha256_file(Path(__file__).parent / name) for name in SOURCES]
    folder = cache_root() / "inspected" / key_of([digest, path.name, sorted(shapes.items()), sources])
    record = folder / "artifact.json"
    cached = _cached(record, path, folder)
    if cached is not None:
        return cached
    fixed = folder / path.name
    job = {"path": str(path.resolve()), "name": path.stem, "shapes": shapes, "fixed": str(fixed), "bytes": size}
    artifact = _examined(job, path)
    with written_whole(record) as temporary:
        temporary.write_text(artifact.to_json(indent=1), encoding="utf-8")
    return Exported(path if artifact.sha256 == digest else fixed, artifact, cached=False, seconds=0.0)


def _cached(record: Path, path: Path, folder: Path) -> Exported | None:
    try:
        artifact = Artifact.model_validate_json(record.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None
    for place in (path, folder / path.name):
        if place.is_file() and sha256_file(place) == artifact.sha256:
            return Exported(place, artifact, cached=True, seconds=0.0)
    return None


def _examined(job: dict[str, Any], path: Path) -> Artifact:
    """What the child process says of the file."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "exporters.inspect"],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=TIME_LIMIT_S,
            check=False,
            env=os.environ | {"PYTHONPATH": import_path(), "ORT_DISABLE_TELEMETRY": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path} could not be read within {TIME_LIMIT_S} s", hint="is it damaged?") from error
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise ModelError(f"{path} crashed its parser ({name})", hint="the file is damaged; export it again")
    try:
        answer = json.loads(child.stdout)
    except ValueError as error:
        last = (child.stderr.decode(errors="replace").strip().splitlines() or [f"status {child.returncode}"])[-1]
        raise ModelError(f"{path} could not be read: {last[:300]}", hint="is it damaged?") from error
    if "error" in answer:
        kind = UsageError if answer["error"] == "usage" else ModelError
        message = answer["message"]
        raise kind(message if path.name in message else f"{path}: {message}", hint=answer["hint"])
    return Artifact.model_validate(answer["artifact"])


def main() -> None:
    """The child: a job as JSON on stdin, an artifact or an error as JSON on stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # runtimes print to stdout
    job = json.load(sys.stdin)
    limit = MEMORY_LIMIT + 8 * int(job["bytes"])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_S, TIME_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        path = Path(job["path"])
        examine = _onnx if path.suffix == ".onnx" else _tflite
        artifact = examine(path, job["name"], {name: tuple(shape) for name, shape in job["shapes"].items()}, job)
        answer = {"artifact": artifact.model_dump(mode="json")}
    except MemoryError:
        answer = _error(ModelError(f"{job['path']} needs more than {limit >> 20} MiB to read", hint="is it damaged?"))
    except PocketbenchError as error:
        answer = _error(error)
    json.dump(answer, answers)
    answers.flush()


def _error(error: PocketbenchError) -> dict[str, Any]:
    kind = "usage" if isinstance(error, UsageError) else "model"
    return {"error": kind, "message": error.message, "hint": error.hint}


def _onnx(path: Path, name: str, shapes: Shapes, job: dict[str, Any]) -> Artifact:
    import onnx
    import onnxruntime

    from exporters.graphs import onnx as graphs

    model = graphs.load(path)
    if graphs.fix_inputs(model, shapes):
        with written_whole(Path(job["fixed"])) as temporary:
            onnx.save(model, temporary)
        path = Path(job["fixed"])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's classes have no public base
        text = " ".join(str(error).split())
        raise ModelError(f"onnxruntime cannot load {job['path']}: {text[:400]}") from error
    versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    return _artifact(path, name, "onnx", graphs.read(path), versions)


def _tflite(path: Path, name: str, shapes: Shapes, _job: dict[str, Any]) -> Artifact:
    from importlib.metadata import version

    from exporters.graphs import tflite as graphs
    from exporters.graphs.delegation import delegation

    graphs.check_shapes(graphs.load(path), shapes)
    artifact = _artifact(path, name, "tflite", graphs.read(path), {"ai-edge-litert": version("ai-edge-litert")})
    return artifact.model_copy(update={"delegation": delegation(path)})


def _artifact(path: Path, name: str, format: Format, reading: Reading, versions: dict[str, str]) -> Artifact:
    return Artifact(
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        network=name,
        family="user",
        format=format,
        precision=reading.precision,
        inputs=reading.inputs,
        outputs=reading.outputs,
        operators=reading.operators,
        params=None,
        macs=reading.macs,
        weights=Weights(kind="user", source=path.name),
        versions=versions,
    )


if __name__ == "__main__":
    main()
