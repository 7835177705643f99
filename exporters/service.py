"""Exports on demand: what the cache holds comes from there, the rest is made by child processes side by side.

This module is what `bench` calls, so it imports neither torch nor a runtime; the children do (exporters/worker.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from exporters import shelf
from exporters.catalog import catalog, definition_digest
from foundation.artifact import Artifact, Format, Precision
from foundation.errors import ExportError

PRECISIONS: Final[dict[Format, tuple[Precision, ...]]] = {"onnx": ("fp32", "int8"), "tflite": ("fp32", "fp16", "int8")}


@dataclass(frozen=True)
class Request:
    """One artifact that is wanted. `weights`: "default", "torchvision", "timm", or a file."""

    network: str
    format: Format
    precision: Precision
    weights: str = "default"

    def __str__(self) -> str:
        return f"{self.network} {self.format} {self.precision}"


@dataclass(frozen=True)
class Exported:
    """An artifact on this disk. `seconds`: what making it took, a float file that others share counted once."""

    path: Path
    artifact: Artifact
    cached: bool
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A request that could not be met; the others are not affected."""

    request: Request
    message: str
    hint: str


@dataclass(frozen=True)
class Event:
    """Something for a progress bar: `done` of `total` requests are settled. A `stage` has no request."""

    kind: Literal["cached", "stage", "exported", "failed"]
    network: str
    text: str
    done: int
    total: int
    request: Request | None = None


def ensure(
    requests: Sequence[Request], *, jobs: int = 2, on_event: Callable[[Event], None] | None = None
) -> list[Exported | Failed]:
    """An artifact or a failure for each request, in their order.

    Requests that the cache can meet start no process. The rest are grouped by network and exported in up to `jobs`
    child processes; a child that crashes fails its network alone. Raises StorageError where the cache cannot be
    written, UsageError for an unknown network; Ctrl-C ends the children and leaves no half-written file.
    """
    settled: dict[Request, Exported | Failed] = {}
    missing: dict[Request, str] = {}
    wanted = list(dict.fromkeys(requests))

    def tell(
        kind: Literal["cached", "stage", "exported", "failed"], network: str, text: str, request: Request | None
    ) -> None:
        if on_event:
            on_event(Event(kind, network, text, len(settled), len(wanted), request))

    definitions = _definitions(wanted)
    for request in wanted:
        definition = definitions[request.network, request.weights]
        if isinstance(definition, ExportError):
            settled[request] = Failed(request, definition.message, definition.hint)
            tell("failed", request.network, definition.message, request)
            continue
        key = shelf.key(request.network, definition, request.format, request.precision)
        found = shelf.find(key)
        if found is None:
            missing[request] = key
            continue
        settled[request] = Exported(*found, cached=True, seconds=0.0)
        tell("cached", request.network, str(request), request)
    if missing:
        from exporters.children import export

        def settle(request: Request, seconds: float, failure: tuple[str, str] | None) -> None:
            made = None if failure else shelf.find(missing[request])
            if made is not None:
                settled[request] = Exported(*made, cached=False, seconds=seconds)
                tell("exported", request.network, str(request), request)
                return
            message, hint = failure or (
                f"{request}: its file vanished from {shelf.place(missing[request])}",
                "run the same command again",
            )
            settled[request] = Failed(request, message, hint)
            tell("failed", request.network, message, request)

        export(missing, jobs, settle, lambda network, text: tell("stage", network, text, None))
    return [settled[request] for request in requests]


def _definitions(requests: Sequence[Request]) -> dict[tuple[str, str], str | ExportError]:
    """What each network is, as a digest, or why it cannot be built."""
    for weights in dict.fromkeys(request.weights for request in requests):
        ours = dict.fromkeys(one.network for one in requests if one.weights == weights and ":" not in one.network)
        if ours:  # one child process counts them all, and each of them is then found in the cache
            with suppress(ExportError):  # said below, for the network that it is about
                catalog(list(ours), weights)
    found: dict[tuple[str, str], str | ExportError] = {}
    for network, weights in dict.fromkeys((request.network, request.weights) for request in requests):
        try:
            found[network, weights] = definition_digest(network, weights)
        except ExportError as error:
            found[network, weights] = error
    return found
