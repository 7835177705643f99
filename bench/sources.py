"""From what `--models` says to artifacts on this disk: networks are exported, files are read as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.options import Options
from exporters.service import PRECISIONS, Event, Exported, Failed, Request, ensure
from foundation.artifact import Artifact
from foundation.errors import UsageError


@dataclass
class Sources:
    """Artifacts to measure, and the exports that failed (the others are measured all the same)."""

    exported: list[Exported] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    @property
    def artifacts(self) -> list[Artifact]:
        return [one.artifact for one in self.exported]

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 -> path on this host."""
        return {one.artifact.sha256: str(one.path) for one in self.exported}


def gather(options: Options, on_event: Callable[[Event], None] | None = None) -> Sources:
    """Everything `options.models` names, in that order and each artifact once.

    Raises UsageError for an unknown name, ModelError for a file that cannot be measured as it is.
    """
    sources = Sources()
    shapes = _input_shapes(options.input_shape)
    for path in filter(is_file, options.models):
        from exporters.inspect import read_model

        sources.exported.append(read_model(Path(path), shapes))
    for result in ensure(requests(options), jobs=options.jobs, on_event=on_event):
        if isinstance(result, Failed):
            sources.failed.append(result)
        else:
            sources.exported.append(result)
    unique = {one.artifact.sha256: one for one in sources.exported}
    sources.exported = list(unique.values())
    return sources


def requests(options: Options) -> list[Request]:
    """The exports that the named networks need, network by network."""
    names = [name for name in options.models if not is_file(name)]
    if not names:
        return []
    from exporters.catalog import catalog

    return [
        Request(entry.name, format, precision, options.weights)
        for entry in catalog(names)
        for format in options.formats
        for precision in options.precisions or PRECISIONS[format]
    ]


def is_file(name: str) -> bool:
    """Whether `--models` names a model file rather than a network."""
    return name.endswith((".onnx", ".tflite"))


def _input_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for text in texts:
        name, _, dims = text.partition("=")
        parts = dims.replace("x", ",").split(",")
        if not name or not all(part.isdigit() and int(part) > 0 for part in parts):
            raise UsageError(f"--input-shape: '{text}' is not NAME=1,3,224,224", hint="give every dimension a number")
        shapes[name] = tuple(int(part) for part in parts)
    return shapes
