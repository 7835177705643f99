"""What an ONNX file computes: inputs, outputs, and its operators with MACs and bytes.

A quantized file says QuantizeLinear, DequantizeLinear around every float operator (QDQ), and a runtime runs the
three as one integer operator. The list says what runs: the operator reads and writes the stored integers, and only
conversions at the file's own inputs and outputs stand by themselves. What can be computed before the first inference
(weights, shapes of weights) is no operator.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from exporters.graphs.costs import convolution_macs, elements, matmul_macs, tensor_bytes, transposed_convolution_macs
from exporters.graphs.reading import Reading
from foundation.artifact import Operator, Tensor
from foundation.errors import ModelError, UsageError

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

NARROW: Final = {TensorProto.INT4: 4, TensorProto.UINT4: 4, TensorProto.BFLOAT16: 16, TensorProto.BOOL: 8}
CONVERSIONS: Final = ("QuantizeLinear", "DequantizeLinear")


@dataclass
class Graph:
    """One ONNX graph with what is known of each of its values by name."""

    model: onnx.ModelProto
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)  # TensorProto's element types
    constants: set[str] = field(default_factory=set)
    producers: dict[str, NodeProto] = field(default_factory=dict)

    def bytes_of(self, name: str) -> int:
        """Bytes of one value as stored; 0 where its type is no tensor's."""
        kind = self.types.get(name, TensorProto.UNDEFINED)
        if name not in self.shapes or kind in (TensorProto.UNDEFINED, TensorProto.STRING):
            return 0
        bits = NARROW.get(kind) or 8 * np.dtype(helper.tensor_dtype_to_np_dtype(kind)).itemsize
        return tensor_bytes(self.shapes[name], bits)


def read(path: Path) -> Reading:
    """Inputs, outputs, operators and weights of the file, which must have static shapes.

    Raises ModelError where it cannot be parsed, keeps weights in other files, or has a dynamic dimension.
    """
    graph = known(load(path))
    body = graph.model.graph
    weights = {constant.name for constant in body.initializer}
    inputs = tuple(_tensor(graph, value) for value in body.input if value.name not in weights)
    outputs = tuple(_tensor(graph, value) for value in body.output)
    stored: Counter[str] = Counter()
    for constant in body.initializer:
        stored[_numpy_name(constant.data_type)] += elements(constant.dims)
    return Reading(inputs, outputs, operators(graph), stored)


def fix_inputs(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Give inputs that have dynamic dimensions the static shape in `shapes`; whether anything changed.

    Raises ModelError for an input left dynamic, UsageError for a shape that contradicts the file.
    """
    weights = {constant.name for constant in model.graph.initializer}
    changed = False
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        static = value.type.tensor_type.HasField("shape") and all(dim.dim_value > 0 for dim in dims)
        if value.name in weights or (static and value.name not in shapes):
            continue
        if value.name not in shapes:
            raise dynamic(value)
        wanted = shapes[value.name]
        if value.type.tensor_type.HasField("shape") and (
            len(wanted) != len(dims)
            or any(dim.dim_value > 0 and dim.dim_value != n for dim, n in zip(dims, wanted, strict=True))
        ):
            raise UsageError(
                f"'{value.name}' has shape ({_dims(value)}), which {','.join(map(str, wanted))} does not fit",
                hint=dynamic(value).hint,
            )
        if not static:
            del dims[:]
            dims.extend(onnx.TensorShapeProto.Dimension(dim_value=n) for n in wanted)
            changed = True
    if changed:  # what was inferred from the dynamic shapes no longer holds
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
    return changed


def load(path: Path) -> onnx.ModelProto:
    """The parsed file, its local functions inlined. Raises ModelError where that is impossible."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's own classes differ between its builds
        raise ModelError(f"{path} is not an ONNX file, or is damaged: {error}", hint="export it again") from error
    if not model.graph.node or not model.opset_import:
        raise ModelError(f"{path} is not an ONNX file, or is damaged: it holds no graph", hint="export it again")
    for constant in model.graph.initializer:
        if constant.data_location == TensorProto.EXTERNAL:
            place = next((entry.value for entry in constant.external_data if entry.key == "location"), "another file")
            raise ModelError(
                f"{path} keeps its weights in {place}; one file must hold everything",
                hint="merge them: python -c \"import onnx; onnx.save(onnx.load('IN.onnx'), 'OUT.onnx')\"",
            )
    return onnx.inliner.inline_local_functions(model) if model.functions else model


def known(model: onnx.ModelProto) -> Graph:
    """The model with shape and type of every value: by inference, and for what that leaves open, by running it once."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:
        raise ModelError(f"the shapes of the ONNX graph contradict each other: {error}") from error
    graph = Graph(inferred)
    body = inferred.graph
    for value in (*body.input, *body.value_info, *body.output):
        kind = value.type.tensor_type
        graph.types[value.name] = kind.elem_type
        dims = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in kind.shape.dim]
        if kind.HasField("shape") and all(dim > 0 for dim in dims):
            graph.shapes[value.name] = tuple(dims)
    for constant in body.initializer:
        graph.types[constant.name], graph.shapes[constant.name] = constant.data_type, tuple(constant.dims)
        graph.constants.add(constant.name)
    for node in body.node:
        graph.producers.update((name, node) for name in node.output if name)
        if all(not name or name in graph.constants for name in node.input) and not node.op_type.startswith("Random"):
            graph.constants.update(node.output)
    missing = [name for node in body.node for name in node.output if name and name not in graph.shapes]
    if missing:
        _measure(graph, missing)
    return graph


def operators(graph: Graph) -> tuple[Operator, ...]:
    """The graph's operators in its own order; `order` is the node's index in the file, `name` its first output's."""
    listed = []
    ends = {value.name for value in graph.model.graph.output}
    readers = Counter(name for node in graph.model.graph.node for name in node.input)
    for index, node in enumerate(graph.model.graph.node):
        if all(name in graph.constants for name in node.output if name) or _absorbed(graph, node, ends):
            continue
        sources = [_stored(graph, name) for name in node.input if name]
        sinks = [_written(graph, name, readers) for name in node.output if name]
        listed.append(
            Operator(
                order=index,
                name=node.output[0],
                type=node.op_type,
                macs=_macs(graph, node),
                input_bytes=sum(graph.bytes_of(name) for name in sources if name not in graph.constants),
                weight_bytes=sum(graph.bytes_of(name) for name in sources if name in graph.constants),
                output_bytes=sum(graph.bytes_of(name) for name in sinks),
                output_shape=graph.shapes.get(node.output[0], ()),
            )
        )
    return tuple(listed)


def _absorbed(graph: Graph, node: NodeProto, ends: set[str]) -> bool:
    """Whether this conversion becomes part of a neighbour: it touches neither an input nor an output of the file."""
    if node.op_type not in CONVERSIONS or node.output[0] in ends:
        return False
    return node.input[0] in graph.producers


def _stored(graph: Graph, name: str) -> str:
    """What an operator reads in truth: the integers before a DequantizeLinear."""
    producer = graph.producers.get(name)
    return producer.input[0] if producer is not None and producer.op_type == "DequantizeLinear" else name


def _written(graph: Graph, name: str, readers: Counter[str]) -> str:
    """What an operator writes in truth: the integers after the QuantizeLinear that alone reads its output."""
    if readers[name] != 1:
        return name
    for node in graph.model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] == name:
            return node.output[0]
    return name


def _macs(graph: Graph, node: NodeProto) -> int:
    count = MACS.get(node.op_type.removeprefix("Fused"))
    return count(graph, node) if count else 0


def _convolution(weight: int) -> Callable[[Graph, NodeProto], int]:
    def count(graph: Graph, node: NodeProto) -> int:
        filters = graph.shapes[node.input[weight]]
        return convolution_macs(graph.shapes[node.output[0]], int(np.prod(filters)), filters[0])

    return count


def _transposed(graph: Graph, node: NodeProto) -> int:
    filters = graph.shapes[node.input[1]]
    return transposed_convolution_macs(graph.shapes[node.input[0]], int(np.prod(filters)), filters[0])


def _gemm(graph: Graph, node: NodeProto) -> int:
    left = graph.shapes[node.input[0]]
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return matmul_macs(graph.shapes[node.output[0]], left[0] if transposed else left[-1])


def _matmul(graph: Graph, node: NodeProto) -> int:
    return matmul_macs(graph.shapes[node.output[0]], graph.shapes[node.input[0]][-1])


MACS: Final[dict[str, Callable[[Graph, NodeProto], int]]] = {
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "QLinearConv": _convolution(3),
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "QGemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
}


def _tensor(graph: Graph, value: onnx.ValueInfoProto) -> Tensor:
    if value.name not in graph.shapes:
        raise dynamic(value)
    return Tensor(name=value.name, dtype=_numpy_name(graph.types[value.name]), shape=graph.shapes[value.name])


def _numpy_name(kind: int) -> str:
    """numpy's name of an element type, ONNX's own where numpy has none."""
    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(kind)).name
    except KeyError:
        return TensorProto.DataType.Name(kind).lower()


def _dims(value: onnx.ValueInfoProto) -> str:
    dims = value.type.tensor_type.shape.dim
    return ", ".join(str(dim.dim_value) if dim.dim_value > 0 else dim.dim_param or "?" for dim in dims)


def dynamic(value: onnx.ValueInfoProto) -> ModelError:
    """The error for an input or output whose shape is not static; it names the dimension and the way out."""
    dims = value.type.tensor_type.shape.dim
    position = next((i for i, dim in enumerate(dims) if dim.dim_value <= 0), 0)
    example = ",".join(str(dim.dim_value or 1) for dim in dims) or "1,3,224,224"
    return ModelError(
        f"'{value.name}' has shape ({_dims(value)}): dimension {position} is dynamic",
        hint=f"fix it: --input-shape {value.name}={example}",
    )


def _measure(graph: Graph, names: Sequence[str]) -> None:
    """Fill in the shapes and types of `names` by running the model once on zeros."""
    import onnxruntime

    body = graph.model.graph
    unfixed = [value for value in body.input if value.name not in graph.shapes]
    if unfixed:
        raise dynamic(unfixed[0])
    probe = onnx.ModelProto()
    probe.CopyFrom(graph.model)
    ends = {value.name for value in body.output}
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name not in ends)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feeds = {
            value.name: np.zeros(graph.shapes[value.name], helper.tensor_dtype_to_np_dtype(graph.types[value.name]))
            for value in body.input
            if value.name not in graph.constants
        }
        results = session.run(list(names), feeds)
    except Exception as error:  # onnxruntime's classes have no public base
        raise ModelError(f"onnxruntime cannot run the file: {error}") from error
    for name, result in zip(names, results, strict=True):
        if isinstance(result, np.ndarray):
            graph.shapes[name] = result.shape
            graph.types[name] = helper.np_dtype_to_tensor_dtype(result.dtype)
