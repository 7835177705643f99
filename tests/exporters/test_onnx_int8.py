"""int8 ONNX files as the exporter judges them: the products are exact on whatever core the tests run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from exporters.onnx import INPUT, METHODS, OUTPUT, quantize, run

CHANNELS = 64


def save(path: Path, nodes: list[onnx.NodeProto], channels_out: int) -> None:
    """A float file of 1x1 convolutions over 64 channels, 4 x 4 pixels, with the constant `weights` of ones."""
    weights = numpy_helper.from_array(np.ones((channels_out, CHANNELS, 1, 1), np.float32), "weights")
    graph = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (1, CHANNELS, 4, 4))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (1, channels_out, 4, 4))],
        [weights],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def test_largest_products_do_not_saturate(tmp_path: Path) -> None:
    float_file, int8_file = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    save(float_file, [helper.make_node("Conv", [INPUT, "weights"], [OUTPUT], kernel_shape=[1, 1])], 8)
    ones = np.ones((1, CHANNELS, 4, 4), np.float32)
    quantize(float_file, [0 * ones, ones], int8_file, METHODS[0])
    # 1.0 is 255 and a weight 127: two of their products are 64,770, more than 16 bits hold; 64 of them make 64.0.
    assert np.allclose(run(int8_file, [ones]), CHANNELS, rtol=1e-6)


def test_weights_that_two_nodes_share_become_one_for_each(tmp_path: Path) -> None:
    float_file, int8_file = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    nodes = [
        helper.make_node("Conv", [INPUT, "weights"], ["sums"], kernel_shape=[1, 1]),
        helper.make_node("Conv", ["sums", "weights"], [OUTPUT], kernel_shape=[1, 1]),
    ]
    save(float_file, nodes, CHANNELS)
    ones = np.ones((1, CHANNELS, 4, 4), np.float32)
    quantize(float_file, [0 * ones, ones], int8_file, METHODS[0])
    graph = onnx.load(int8_file).graph
    constants = {constant.name for constant in graph.initializer}
    weights = [
        node.input[0] for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in constants
    ]
    assert len(weights) == len(set(weights)) == 2
    assert np.allclose(run(int8_file, [ones]), CHANNELS**2, rtol=1e-2)
