"""The tiny network through every exporter: expected values are arithmetic on its layers.

Convolution 3 -> 8 on 32x32, stride 2: 8x16x16 outputs, 27 products each; depthwise 3x3: 9 each; linear 8 -> 10.
"""

from __future__ import annotations

import pytest

from exporters.service import Exported
from tests.exporters.artifacts import HOLE, TINY, Artifacts

CONVOLUTION = 8 * 16 * 16 * 27
DEPTHWISE = 8 * 16 * 16 * 9
LINEAR = 8 * 10
PARAMETERS = 8 * 27 + 16 + (8 * 9 + 8) + (80 + 10)  # weights, BatchNorm, depthwise with bias, linear with bias
FORMATS = ("onnx", "tflite")
PRECISIONS = ("fp32", "fp16", "int8")


def one(artifacts: Artifacts, format: str, precision: str) -> Exported:
    return artifacts[TINY, format, precision]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_macs_of_each_operator_are_those_of_the_layers(tiny_artifacts: Artifacts, format: str, precision: str) -> None:
    artifact = one(tiny_artifacts, format, precision).artifact
    counted = [operator.macs for operator in artifact.operators if operator.macs]
    assert counted == [CONVOLUTION, DEPTHWISE, LINEAR]
    assert artifact.macs == sum(counted)
    assert artifact.params == PARAMETERS


@pytest.mark.parametrize(("precision", "value"), [("fp32", 4), ("fp16", 2), ("int8", 1)])
@pytest.mark.parametrize("format", FORMATS)
def test_weights_are_counted_in_the_bytes_they_are_stored_in(
    tiny_artifacts: Artifacts, format: str, precision: str, value: int
) -> None:
    artifact = one(tiny_artifacts, format, precision).artifact
    linear = next(operator for operator in artifact.operators if operator.macs == LINEAR)
    bias = 2 if (format, precision) == ("onnx", "fp16") else 4  # TFLite keeps biases in float32, int8 has int32 ones
    assert linear.weight_bytes == 80 * value + 10 * bias


@pytest.mark.parametrize("format", FORMATS)
def test_activations_of_an_int8_file_are_counted_as_bytes(tiny_artifacts: Artifacts, format: str) -> None:
    artifact = one(tiny_artifacts, format, "int8").artifact
    depthwise = next(operator for operator in artifact.operators if operator.macs == DEPTHWISE)
    assert (depthwise.input_bytes, depthwise.output_bytes) == (8 * 16 * 16, 8 * 16 * 16)


def test_shapes_are_those_of_each_format(tiny_artifacts: Artifacts) -> None:
    onnx, tflite = (one(tiny_artifacts, format, "fp32").artifact for format in FORMATS)
    assert [tensor.shape for tensor in (*onnx.inputs, *onnx.outputs)] == [(1, 3, 32, 32), (1, 10)]
    assert [tensor.shape for tensor in (*tflite.inputs, *tflite.outputs)] == [(1, 32, 32, 3), (1, 10)]


def test_a_float_file_gives_the_networks_own_outputs(tiny_artifacts: Artifacts) -> None:
    for format in FORMATS:
        agreement = one(tiny_artifacts, format, "fp32").artifact.agreement
        assert agreement is not None
        assert agreement.top1 == 1
        assert agreement.sqnr_db is None or agreement.sqnr_db > 80


def test_an_int8_file_stays_close_to_the_network_and_says_how_it_was_calibrated(tiny_artifacts: Artifacts) -> None:
    for format in FORMATS:
        artifact = one(tiny_artifacts, format, "int8").artifact
        assert artifact.agreement is not None
        assert artifact.agreement.sqnr_db is not None
        assert 20 < artifact.agreement.sqnr_db < 80
        assert artifact.calibration is not None
    tensor = one(tiny_artifacts, "tflite", "int8").artifact.inputs[0]
    assert (tensor.dtype, tensor.quantization is not None) == ("int8", True)


def test_a_tflite_file_is_one_partition_without_transposes(tiny_artifacts: Artifacts) -> None:
    for precision in PRECISIONS:
        delegation = one(tiny_artifacts, "tflite", precision).artifact.delegation
        assert delegation is not None
        assert (delegation.partitions, delegation.undelegated, delegation.transposes) == (1, (), 0)


def test_an_operator_that_the_delegate_leaves_out_is_named(tiny_artifacts: Artifacts) -> None:
    delegation = tiny_artifacts[HOLE, "tflite", "fp32"].artifact.delegation
    assert delegation is not None
    assert delegation.partitions == 2
    assert "CUMSUM" in delegation.undelegated
    assert "CONV_2D" not in delegation.undelegated


def test_the_record_beside_the_file_is_the_one_returned(tiny_artifacts: Artifacts) -> None:
    exported = one(tiny_artifacts, "onnx", "int8")
    written = exported.path.with_name("artifact.json").read_text(encoding="utf-8")
    assert written == exported.artifact.to_json(indent=1)
