"""int8 ONNX files as the exporter judges them: the products are exact on whatever core the tests run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from exporters.onnx import INPUT, METHODS, OUTPUT, quantize, run

CHANNELS = 64


def sum_of_channels(path: Path) -> None:
    """A 1x1 convolution whose weights are all one: each output is the sum of its pixel's channels."""
    weights = numpy_helper.from_array(np.ones((8, CHANNELS, 1, 1), np.float32), "weights")
    graph = helper.make_graph(
        [helper.make_node("Conv", [INPUT, "weights"], [OUTPUT], kernel_shape=[1, 1])],
        "sum",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (1, CHANNELS, 4, 4))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (1, 8, 4, 4))],
        [weights],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def test_largest_products_do_not_saturate(tmp_path: Path) -> None:
    float_file, int8_file = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    sum_of_channels(float_file)
    ones = np.ones((1, CHANNELS, 4, 4), np.float32)
    quantize(float_file, [0 * ones, ones], int8_file, METHODS[0])
    # 1.0 is 255 and a weight 127: two of their products are 64,770, more than 16 bits hold; 64 of them make 64.0.
    assert np.allclose(run(int8_file, [ones]), CHANNELS, rtol=1e-6)
