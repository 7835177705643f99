"""The operator list of ONNX graphs built by hand; expected values are arithmetic on the shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from exporters.graphs.onnx import fix_inputs, load, read
from foundation.artifact import Operator
from foundation.errors import ModelError, UsageError

FLOAT = TensorProto.FLOAT


def weight(name: str, *shape: int, dtype: str = "float32") -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def value(name: str, *shape: int | str | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, FLOAT, shape)


def saved(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: list[TensorProto],
) -> Path:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def only(path: Path) -> Operator:
    (operator,) = read(path).operators
    return operator


def test_strided_convolution(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1])
    weights = [weight("w", 8, 3, 3, 3), weight("b", 8)]
    operator = only(saved(tmp_path / "m.onnx", [node], [value("x", 1, 3, 10, 10)], [value("y", 1, 8, 5, 5)], weights))
    assert operator.macs == 8 * 5 * 5 * 3 * 3 * 3
    assert operator.input_bytes == 3 * 10 * 10 * 4
    assert operator.weight_bytes == (8 * 3 * 3 * 3 + 8) * 4
    assert operator.output_bytes == 8 * 5 * 5 * 4
    assert operator.memory_access_bytes == operator.input_bytes + operator.weight_bytes + operator.output_bytes
    assert (operator.name, operator.type, operator.output_shape) == ("y", "Conv", (1, 8, 5, 5))


def test_grouped_convolution_has_fewer_products(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=4)
    weights = [weight("w", 8, 2, 3, 3)]
    path = saved(tmp_path / "m.onnx", [node], [value("x", 1, 8, 6, 6)], [value("y", 1, 8, 4, 4)], weights)
    assert only(path).macs == 8 * 4 * 4 * (8 // 4) * 3 * 3


def test_transposed_convolution(tmp_path: Path) -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    path = saved(
        tmp_path / "m.onnx", [node], [value("x", 1, 3, 4, 4)], [value("y", 1, 5, 8, 8)], [weight("w", 3, 5, 2, 2)]
    )
    assert only(path).macs == 3 * 4 * 4 * 5 * 2 * 2


@pytest.mark.parametrize(("transposed", "left"), [(0, (2, 7)), (1, (7, 2))])
def test_gemm_with_its_left_side_transposed(tmp_path: Path, transposed: int, left: tuple[int, int]) -> None:
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=transposed)
    path = saved(tmp_path / "m.onnx", [node], [value("x", *left)], [value("y", 2, 5)], [weight("w", 7, 5)])
    assert only(path).macs == 2 * 7 * 5


def test_batched_product_of_two_activations_reads_no_weights(tmp_path: Path) -> None:
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    inputs = [value("a", 1, 4, 6, 5), value("b", 1, 4, 5, 3)]
    operator = only(saved(tmp_path / "m.onnx", [node], inputs, [value("y", 1, 4, 6, 3)], []))
    assert operator.macs == 4 * 6 * 5 * 3
    assert (operator.input_bytes, operator.weight_bytes) == ((4 * 6 * 5 + 4 * 5 * 3) * 4, 0)


def test_a_quantized_convolution_reads_and_writes_bytes(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["wq", "s"], ["wd"]),
        helper.make_node("Conv", ["xd", "wd"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "s", "z"], ["y"]),
    ]
    constants = [weight("wq", 8, 3, 1, 1, dtype="int8"), weight("s"), weight("z", dtype="uint8")]
    reading = read(saved(tmp_path / "m.onnx", nodes, [value("x", 1, 3, 4, 4)], [value("y", 1, 8, 4, 4)], constants))
    assert [operator.type for operator in reading.operators] == ["QuantizeLinear", "Conv", "DequantizeLinear"]
    convolution = reading.operators[1]
    assert (convolution.input_bytes, convolution.weight_bytes, convolution.output_bytes) == (48, 24, 128)
    assert convolution.macs == 8 * 3 * 4 * 4
    assert reading.precision == "int8"


def test_a_shape_that_inference_leaves_open_is_measured(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("NonZero", ["mask"], ["places"]),
        helper.make_node("Cast", ["places"], ["real"], to=FLOAT),
        helper.make_node("MatMul", ["x", "real"], ["y"]),
    ]
    mask = numpy_helper.from_array(np.array([1, 0, 1, 1], "float32"), "mask")
    reading = read(saved(tmp_path / "m.onnx", nodes, [value("x", 2, 1)], [value("y", 2, None)], [mask]))
    assert reading.operators[-1].output_shape == (2, 3)
    assert reading.macs == 2 * 1 * 3


def test_a_dynamic_dimension_is_named_with_the_way_out(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    path = saved(tmp_path / "m.onnx", [node], [value("x", 1, 3, "height", 8)], [value("y", 1, 3, "height", 8)], [])
    with pytest.raises(ModelError, match=r"'x' has shape \(1, 3, height, 8\): dimension 2 is dynamic") as raised:
        read(path)
    assert raised.value.hint == "fix it: --input-shape x=1,3,1,8"


def test_a_given_shape_fixes_inputs_and_what_follows(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    weights = [weight("w", 2, 3, 1, 1)]
    path = saved(tmp_path / "m.onnx", [node], [value("x", "n", 3, "h", "w")], [value("y", "n", 2, "h", "w")], weights)
    model = load(path)
    assert fix_inputs(model, {"x": (1, 3, 6, 6)})
    onnx.save(model, path)
    reading = read(path)
    assert (reading.inputs[0].shape, reading.outputs[0].shape, reading.macs) == ((1, 3, 6, 6), (1, 2, 6, 6), 2 * 3 * 36)


def test_a_given_shape_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    path = saved(tmp_path / "m.onnx", [node], [value("x", "n", 3, 8, 8)], [value("y", "n", 3, 8, 8)], [])
    with pytest.raises(UsageError, match="does not fit"):
        fix_inputs(load(path), {"x": (1, 4, 8, 8)})


def test_weights_in_another_file_are_refused_with_the_command_that_merges_them(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    path = saved(
        tmp_path / "m.onnx", [node], [value("x", 1, 3, 6, 6)], [value("y", 1, 64, 6, 6)], [weight("w", 64, 3, 1, 1)]
    )
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ModelError, match=r"keeps its weights in weights\.bin") as raised:
        load(path)
    assert "onnx.save(onnx.load(" in raised.value.hint
