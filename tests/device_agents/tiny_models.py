"""Model files of test size, written byte by byte with the formats' own schemas: no torch, no converter.

Each is a convolution or a matrix product small enough to compute again with numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(7)
IMAGE = (1, 3, 32, 32)  # NCHW
KERNEL: NDArray[np.float32] = RANDOM.normal(size=(8, 3, 3, 3)).astype(np.float32)  # OIHW
DENSE: NDArray[np.float32] = RANDOM.normal(size=(8, 10)).astype(np.float32)


def conv_onnx(batch: int | str = 1, repeats: int = 1) -> bytes:
    """Convolution, ReLU, global pooling, matrix product: 3 x 32 x 32 to 10. `batch` may be a name: then it is open.

    `repeats` adds 8-to-8 convolutions in the middle, for a model that takes milliseconds.
    """
    middle = [numpy_helper.from_array(np.eye(8, dtype=np.float32)[:, :, None, None] * 1.0, "identity")]
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["c0"], name="conv", pads=[1, 1, 1, 1]),
        *(helper.make_node("Conv", [f"c{i}", "identity"], [f"c{i + 1}"]) for i in range(repeats - 1)),
        helper.make_node("Relu", [f"c{repeats - 1}"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "dense"], ["y"], name="classify"),
    ]
    graph = helper.make_graph(
        nodes,
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *IMAGE[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 10])],
        [numpy_helper.from_array(KERNEL, "kernel"), numpy_helper.from_array(DENSE, "dense"), *middle],
    )
    return _onnx(graph)


def two_inputs_onnx() -> bytes:
    """z = a + cast(b): a float32 (2, 3), b int64 (2, 3)."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["a", "c"], ["z"]),
        ],
        "sum",
        [
            helper.make_tensor_value_info("a", TensorProto.FLOAT, [2, 3]),
            helper.make_tensor_value_info("b", TensorProto.INT64, [2, 3]),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 3])],
    )
    return _onnx(graph)


def _onnx(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@dataclass
class TfliteGraph:
    """A .tflite under construction: add tensors and operators, then ask for its bytes."""

    tensors: list[schema.TensorT] = field(default_factory=list)
    buffers: list[bytes | None] = field(default_factory=lambda: [None])
    codes: list[schema.OperatorCodeT] = field(default_factory=list)
    operators: list[schema.OperatorT] = field(default_factory=list)

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "float32",
        data: NDArray[np.generic] | None = None,
        quantization: tuple[float, int] | None = None,
    ) -> int:
        """A tensor's index. A dimension of -1 is open."""
        made = schema.TensorT()
        made.name, made.shape = name.encode(), [abs(size) for size in shape]
        if any(size < 0 for size in shape):
            made.shapeSignature = list(shape)
        made.type = getattr(schema.TensorType, dtype.upper())
        if data is not None:
            self.buffers.append(data.tobytes())
            made.buffer = len(self.buffers) - 1
        if quantization is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [quantization[0]], [quantization[1]]
        self.tensors.append(made)
        return len(self.tensors) - 1

    def operator(self, name: str, inputs: list[int], output: int, options: tuple[int, object] | None = None) -> None:
        """An operator with one output."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = len(self.codes) - 1, inputs, [output]
        if options is not None:
            made.builtinOptionsType, made.builtinOptions = options
        self.operators.append(made)

    def data(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file's bytes."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, inputs, outputs
        model = schema.ModelT()
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, self.codes, [graph], []
        for content in self.buffers:
            buffer = schema.BufferT()
            buffer.data = None if content is None else np.frombuffer(content, np.uint8)
            model.buffers.append(buffer)
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def conv_options(stride: int = 1) -> tuple[int, schema.Conv2DOptionsT]:
    """SAME padding and ReLU."""
    options = schema.Conv2DOptionsT()
    options.padding, options.strideW, options.strideH = schema.Padding.SAME, stride, stride
    options.dilationWFactor = options.dilationHFactor = 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return schema.BuiltinOptions.Conv2DOptions, options


def conv_tflite(batch: int = 1, outside: bool = False) -> bytes:
    """The same convolution, pooling and product, NHWC; `outside` adds a CUMSUM that XNNPACK does not take."""
    graph = TfliteGraph()
    x = graph.tensor("x", [batch, 32, 32, 3])
    kernel = graph.tensor("kernel", [8, 3, 3, 3], data=np.ascontiguousarray(KERNEL.transpose(0, 2, 3, 1)))
    bias = graph.tensor("bias", [8], data=np.zeros(8, np.float32))
    conv = graph.tensor("conv", [batch, 32, 32, 8])
    axes = graph.tensor("axes", [2], "int32", np.array([1, 2], np.int32))
    pooled = graph.tensor("pooled", [batch, 8])
    dense = graph.tensor("dense", [10, 8], data=np.ascontiguousarray(DENSE.T))
    y = graph.tensor("y", [batch, 10])
    graph.operator("CONV_2D", [x, kernel, bias], conv, conv_options())
    graph.operator("MEAN", [conv, axes], pooled, (schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()))
    dense_options = (schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT())
    graph.operator("FULLY_CONNECTED", [pooled, dense, -1], y, dense_options)
    if not outside:
        return graph.data([x], [y])
    axis = graph.tensor("axis", [], "int32", np.array(1, np.int32))
    total = graph.tensor("total", [batch, 10])
    graph.operator("CUMSUM", [y, axis], total, (schema.BuiltinOptions.CumsumOptions, schema.CumsumOptionsT()))
    return graph.data([x], [total])


INT8_INPUT = (0.05, 3)  # scale, zero point
INT8_OUTPUT = (0.25, -7)


def int8_tflite() -> bytes:
    """y = x W for int8 x (1, 4), W (4, 3) with scale 0.5: small enough to compute by hand."""
    graph = TfliteGraph()
    x = graph.tensor("x", [1, 4], "int8", quantization=INT8_INPUT)
    weight = np.array([[1, 2, -1, 4], [0, 5, 3, -2], [7, -3, 2, 1]], np.int8)
    w = graph.tensor("w", [3, 4], "int8", weight, quantization=(0.5, 0))
    y = graph.tensor("y", [1, 3], "int8", quantization=INT8_OUTPUT)
    options = (schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT())
    graph.operator("FULLY_CONNECTED", [x, w, -1], y, options)
    graph.codes[-1].version = 4
    return graph.data([x], [y])


def two_inputs_tflite() -> bytes:
    """z = a * b, both float32 (2, 3)."""
    graph = TfliteGraph()
    a, b, z = (graph.tensor(name, [2, 3]) for name in "abz")
    graph.operator("MUL", [a, b], z, (schema.BuiltinOptions.MulOptions, schema.MulOptionsT()))
    return graph.data([a, b], [z])
