"""Writes self_test_models.h: the tiny model y = xW + b of the agent's self-test, as .onnx and .tflite bytes.

Run from the project's root, after changing it: python device_agents/agent/self_test_models.py
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Binary fractions: every product and sum below is exact, so every runtime must give just these outputs.
INPUT = np.array([[1.0, -2.0, 0.5, 4.0]], np.float32)
WEIGHT = np.array([[1.0, 0.5, -1.0], [0.25, 2.0, 1.0], [-4.0, 1.0, 0.5], [2.0, -0.75, 0.125]], np.float32)
BIAS = np.array([0.5, -1.0, 3.0], np.float32)


def onnx_bytes() -> bytes:
    """The model with one Gemm."""
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "self_test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(INPUT.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(WEIGHT, "w"), numpy_helper.from_array(BIAS, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tflite_bytes() -> bytes:
    """The model with one FULLY_CONNECTED."""

    def tensor(name: bytes, shape: list[int], buffer: int) -> tflite.TensorT:
        made = tflite.TensorT()
        made.name, made.shape, made.buffer, made.type = name, shape, buffer, tflite.TensorType.FLOAT32
        return made

    def buffer(data: bytes | None) -> tflite.BufferT:
        made = tflite.BufferT()
        made.data = None if data is None else np.frombuffer(data, np.uint8)
        return made

    code = tflite.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = tflite.BuiltinOperator.FULLY_CONNECTED
    code.version = 1
    operator = tflite.OperatorT()
    operator.inputs, operator.outputs, operator.opcodeIndex = [0, 1, 2], [3], 0
    operator.builtinOptionsType = tflite.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = tflite.FullyConnectedOptionsT()
    graph = tflite.SubGraphT()
    graph.tensors = [tensor(b"x", [1, 4], 0), tensor(b"w", [3, 4], 1), tensor(b"b", [3], 2), tensor(b"y", [1, 3], 0)]
    graph.inputs, graph.outputs, graph.operators = [0], [3], [operator]
    model = tflite.ModelT()
    model.version = 3
    model.operatorCodes, model.subgraphs = [code], [graph]
    model.buffers = [buffer(None), buffer(WEIGHT.T.tobytes()), buffer(BIAS.tobytes())]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def header() -> str:
    """The C++ header's text."""
    output = INPUT @ WEIGHT + BIAS

    def floats(values: NDArray[np.float32]) -> str:
        return ", ".join(f"{value!r}f" for value in values.ravel().tolist())

    def array(name: str, data: bytes) -> str:
        rows = (", ".join(f"0x{byte:02x}" for byte in data[i : i + 19]) for i in range(0, len(data), 19))
        return f"constexpr uint8_t {name}[] = {{\n    " + ",\n    ".join(rows) + "};\n"

    return (
        "// Written by self_test_models.py: y = xW + b with known numbers, in both formats.\n#pragma once\n\n"
        "#include <cstdint>\n\nnamespace pocketbench {\n\n"
        f"constexpr int64_t kSelfTestInputShape[] = {{{', '.join(map(str, INPUT.shape))}}};\n"
        f"constexpr float kSelfTestInput[] = {{{floats(INPUT)}}};\n"
        f"constexpr int64_t kSelfTestOutputShape[] = {{{', '.join(map(str, output.shape))}}};\n"
        f"constexpr float kSelfTestOutput[] = {{{floats(output)}}};\n\n"
        f"{array('kSelfTestOnnx', onnx_bytes())}\n{array('kSelfTestTflite', tflite_bytes())}\n"
        "}  // namespace pocketbench\n"
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".h").write_text(header())
