"""One network into its artifacts, in this process. A float conversion is made once and serves every precision."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from exporters import onnx, shelf, tflite
from exporters.agreement import agreement, best
from exporters.calibration import (
    AGREEMENT_PICTURES,
    CALIBRATION_PICTURES,
    Inputs,
    agreement_inputs,
    calibration_inputs,
    judging_inputs,
)
from exporters.forms import for_export, same_form
from exporters.parity import card, parity
from exporters.preprocessing import normalised
from foundation.artifact import Agreement, Artifact, Format, Parity, Precision
from foundation.cache import sha256_file
from foundation.errors import ExportError, PocketbenchError

if TYPE_CHECKING:
    from torch import nn

    from exporters.networks.registry import Network

Tell = Callable[[str], None]
Wanted = tuple[Format, Precision]


@dataclass(frozen=True)
class Made:
    """A finished file in the working folder, with its record."""

    path: Path
    artifact: Artifact
    seconds: float


class Maker:
    """Makes artifacts of one network in `folder`; what several of them need is computed once and kept."""

    def __init__(self, network: Network, folder: Path, tell: Tell) -> None:
        self.network = network
        self.folder = folder
        self.tell = tell
        self.shape = (1, *network.input_shape)
        self.floats: list[tuple[Format, Precision, Path]] = []

    @cached_property
    def model(self) -> nn.Module:
        self.tell("building")
        return self.network.build()

    @cached_property
    def calibration(self) -> Inputs:
        return calibration_inputs(self.network.preprocessing, self.shape, CALIBRATION_PICTURES)

    @cached_property
    def held_out(self) -> Inputs:
        return agreement_inputs(self.network.preprocessing, self.shape, AGREEMENT_PICTURES)

    @cached_property
    def reference(self) -> NDArray[np.float32]:
        """The float network's outputs on the held-out inputs."""
        return self._outputs(self.held_out)

    @cached_property
    def judging(self) -> Inputs:
        return judging_inputs(self.network.preprocessing, self.shape)

    @cached_property
    def judgement(self) -> NDArray[np.float32]:
        return self._outputs(self.judging)

    def _outputs(self, inputs: Inputs) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            return np.concatenate([self.model(torch.from_numpy(value)).numpy() for value in inputs])

    def make(self, format: Format, precision: Precision) -> Made:
        """One artifact. Raises PocketbenchError for a known reason, whatever the converter raises otherwise."""
        start = time.monotonic()
        path = self.folder / f"{precision}.{format}"
        calibration = None
        source = self._float(format, precision)
        self.tell(f"{format} {precision}")
        exporter = onnx if format == "onnx" else tflite
        if precision == "fp32":
            path.write_bytes(source.read_bytes())
        elif precision == "fp16":
            exporter.halve(source, path)
        else:
            calibration = self._quantized(format, source, path)
        artifact = self._record(path, format, precision, calibration)
        return Made(path, artifact, time.monotonic() - start)

    def _quantized(self, format: Format, source: Path, path: Path) -> str:
        """Write the int8 file; returns how it was calibrated.

        With trained weights by the method whose file agrees best with the float network on pictures that calibrate
        nothing and carry no label. Random weights give no reason to prefer one.
        """
        exporter = onnx if format == "onnx" else tflite
        if self.network.weights.kind == "random":
            return exporter.quantize(source, self.calibration, path, exporter.METHODS[0])
        tried: list[tuple[Agreement, str, Path]] = []
        for number, method in enumerate(exporter.METHODS):
            self.tell(f"{format} int8: {method}")
            candidate = path.with_name(f"candidate-{number}.{format}")
            words = exporter.quantize(source, self.calibration, candidate, method)
            tried.append((agreement(self.judgement, exporter.run(candidate, self.judging)), words, candidate))
        found, words, candidate = tried[best([reached for reached, _, _ in tried])]
        candidate.replace(path)
        noise = "equal outputs" if found.sqnr_db is None else f"{found.sqnr_db:.1f} dB"
        return (
            f"{words}; best of {len(tried)} methods: on {found.pictures} other pictures "
            f"{found.top1:.1%} agree with the float network, {noise}"
        )

    def _float(self, format: Format, precision: Precision) -> Path:
        """The float32 file that `precision` derives from; shared where the exported graphs are equal."""
        for made_format, made_for, path in self.floats:
            if made_format == format and same_form(self.model, format, made_for, precision):
                return path
        path = self.folder / f"float-{len(self.floats)}.{format}"
        model = for_export(self.model, format, precision)
        self.tell(f"{format} conversion")
        (onnx if format == "onnx" else tflite).export_float(model, self.shape, path)
        self.floats.append((format, precision, path))
        return path

    def _record(self, path: Path, format: Format, precision: Precision, calibration: str | None) -> Artifact:
        from exporters.graphs import delegation
        from exporters.graphs import onnx as onnx_graph
        from exporters.graphs import tflite as tflite_graph

        self.tell(f"{format} {precision}: comparing outputs")
        reader = onnx_graph if format == "onnx" else tflite_graph
        reading = reader.read(path)
        network = self.network
        return Artifact(
            sha256=sha256_file(path),
            size_bytes=path.stat().st_size,
            network=network.name,
            family=network.family,
            format=format,
            precision=precision,
            inputs=reading.inputs,
            outputs=reading.outputs,
            operators=reading.operators,
            params=sum(parameter.numel() for parameter in self.model.parameters()),
            macs=reading.macs,
            weights=network.weights,
            published=network.published,
            preprocessing=network.preprocessing,
            delegation=delegation.delegation(path) if format == "tflite" else None,
            agreement=self._agreement(path, format),
            parity=self._parity(path, format),
            calibration=calibration,
            versions=shelf.versions(format),
        )

    def _agreement(self, path: Path, format: Format) -> Agreement:
        outputs = (onnx if format == "onnx" else tflite).run(path, self.held_out)
        return agreement(self.reference, outputs)

    @cached_property
    def fixed(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """The fixed input and the float network's output for it; None where the input is no picture."""
        preprocessing = self.network.preprocessing
        if preprocessing is None:
            return None
        value = normalised(card(preprocessing.size), preprocessing)[np.newaxis]
        return value, self._outputs([value])

    def _parity(self, path: Path, format: Format) -> Parity | None:
        if self.fixed is None:
            return None
        value, wanted = self.fixed
        return parity(wanted, (onnx if format == "onnx" else tflite).run(path, [value]))


def make_all(
    network: Network, wanted: Sequence[Wanted], folder: Path, tell: Tell
) -> Iterator[tuple[Wanted, Made | PocketbenchError]]:
    """Each wanted artifact as it is finished, or why it could not be; one failure does not stop the others."""
    maker = Maker(network, folder, tell)
    for one in sorted(wanted):
        try:
            yield one, maker.make(*one)
        except PocketbenchError as error:
            yield one, error
        except Exception as error:  # a converter may raise anything; the others must go on
            yield one, _converter_failed(network.name, one, error)


def _converter_failed(name: str, wanted: Wanted, error: Exception) -> ExportError:
    """The converter's own error followed to its root, in one plain line."""
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(root))
    reason = next((line.strip()[:300] for line in plain.splitlines() if line.strip()), "")
    failure = ExportError(
        f"{name} could not be exported to {wanted[0]} {wanted[1]}: {type(root).__name__}: {reason}",
        hint="`bench --debug export` shows what the converter printed",
    )
    failure.__cause__ = error
    return failure
