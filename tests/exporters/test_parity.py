"""Faults that an export or a device could have, each seen by its output on the fixed input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

from exporters import onnx as onnx_files
from exporters import tflite as tflite_files
from exporters.encoding import Encoder
from exporters.parity import card, input_file
from exporters.preprocessing import normalised
from exporters.service import Exported
from results.derive import cells
from tests.exporters.artifacts import TINY, Artifacts
from tests.results.synthetic import Effects, evidence


def verdict_of(made: Exported, file: Path) -> set[str]:
    """Codes of a cell of `made` on whose device `file` answered instead."""
    artifact = made.artifact
    assert artifact.preprocessing is not None
    value = normalised(card(artifact.preprocessing.size), artifact.preprocessing)[np.newaxis]
    runs = onnx_files if artifact.format == "onnx" else tflite_files
    values = tuple(float(one) for one in runs.run(file, [value])[0])
    (cell,) = cells(evidence(Effects(values=values), [artifact], blocks=2))
    return {reason.code for reason in cell.reasons}


@pytest.mark.parametrize("format", ["onnx", "tflite"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_file_that_is_whole_passes(tiny_artifacts: Artifacts, format: str, precision: str) -> None:
    made = tiny_artifacts[TINY, format, precision]
    assert "OUTPUT_MISMATCH" not in verdict_of(made, made.path)


def initializer(model: onnx.ModelProto, size: int) -> onnx.TensorProto:
    """The first one with so many elements."""
    return next(one for one in model.graph.initializer if np.prod(one.dims) == size)


def test_one_corrupted_weight_of_a_float_file_is_caught(tiny_artifacts: Artifacts, tmp_path: Path) -> None:
    """One of the 216 weights of the first convolution has its sign flipped."""
    made = tiny_artifacts[TINY, "onnx", "fp32"]
    model = onnx.load(made.path)
    tensor = initializer(model, 8 * 3 * 3 * 3)
    weights = numpy_helper.to_array(tensor).copy()
    weights.reshape(-1)[np.abs(weights).argmax()] *= -1
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, tmp_path / "corrupted.onnx")
    assert "OUTPUT_MISMATCH" in verdict_of(made, tmp_path / "corrupted.onnx")


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_swapped_channels_are_caught(tiny_artifacts: Artifacts, tmp_path: Path, precision: str) -> None:
    """The first convolution takes red for blue."""
    made = tiny_artifacts[TINY, "onnx", precision]
    model = onnx.load(made.path)
    tensor = initializer(model, 8 * 3 * 3 * 3)
    weights = numpy_helper.to_array(tensor)[:, ::-1].copy()
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, tmp_path / "swapped.onnx")
    assert "OUTPUT_MISMATCH" in verdict_of(made, tmp_path / "swapped.onnx")


def test_an_int8_onnx_file_with_a_wrong_scale_is_caught(tiny_artifacts: Artifacts, tmp_path: Path) -> None:
    """The first activation's step is half of what it was calibrated to."""
    made = tiny_artifacts[TINY, "onnx", "int8"]
    model = onnx.load(made.path)
    quantize = next(node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] != "input")
    tensor = next(one for one in model.graph.initializer if one.name == quantize.input[1])
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) / 2, tensor.name))
    onnx.save(model, tmp_path / "scaled.onnx")
    assert "OUTPUT_MISMATCH" in verdict_of(made, tmp_path / "scaled.onnx")


def test_an_int8_tflite_file_with_a_wrong_scale_is_caught(tiny_artifacts: Artifacts, tmp_path: Path) -> None:
    """The last layer's output stands for twice what it was calibrated to."""
    import flatbuffers

    made = tiny_artifacts[TINY, "tflite", "int8"]
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(made.path.read_bytes()), 0))
    graph = model.subgraphs[0]
    tensor = graph.tensors[graph.outputs[0]]
    tensor.quantization.scale = [scale * 2 for scale in tensor.quantization.scale]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    (tmp_path / "scaled.tflite").write_bytes(bytes(builder.Output()))
    assert "OUTPUT_MISMATCH" in verdict_of(made, tmp_path / "scaled.tflite")


def test_the_device_gets_the_card_in_the_files_own_layout_and_type(
    tiny_artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path))
    for made in tiny_artifacts.values():
        artifact = made.artifact
        assert artifact.preprocessing is not None
        stored = input_file(artifact).read_bytes()
        assert stored == Encoder(artifact).stored(card(artifact.preprocessing.size))
        assert len(stored) == 3 * 32 * 32 * np.dtype(artifact.inputs[0].dtype).itemsize


def test_the_cards_channels_differ_and_use_the_whole_range() -> None:
    pixels = card(224).astype(np.float64)
    assert pixels.min() < 20
    assert pixels.max() > 235
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(pixels[..., one] - pixels[..., other]).mean() > 30
