"""What a TFLite file computes: inputs, outputs, and its operators with MACs and bytes."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ai_edge_litert import schema_py_generated as schema

from exporters.graphs.costs import convolution_macs, elements, matmul_macs, tensor_bytes, transposed_convolution_macs
from exporters.graphs.reading import Reading
from foundation.artifact import Operator, Quantization, Tensor
from foundation.errors import ModelError, UsageError

OPERATORS: Final = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
TYPES: Final = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
BITS: Final = {
    "FLOAT64": 64, "INT64": 64, "UINT64": 64, "COMPLEX64": 64, "COMPLEX128": 128,
    "FLOAT32": 32, "INT32": 32, "UINT32": 32, "FLOAT16": 16, "BFLOAT16": 16, "INT16": 16, "UINT16": 16,
    "INT8": 8, "UINT8": 8, "BOOL": 8, "INT4": 4, "UINT4": 4, "INT2": 2,
}  # fmt: skip


@dataclass
class Graph:
    """The main subgraph of one file, as objects of the schema."""

    model: Any
    subgraph: Any

    def tensor(self, index: int) -> Any:
        return self.subgraph.tensors[index]

    def shape(self, index: int) -> tuple[int, ...]:
        """Static shape of a tensor; () for a scalar."""
        shape = self.tensor(index).shape
        return () if shape is None else tuple(int(extent) for extent in shape)

    def constant(self, index: int) -> bool:
        """Whether the tensor's values stand in the file."""
        data = self.model.buffers[self.tensor(index).buffer]
        return bool(data.data is not None and len(data.data)) or bool(data.size)

    def bytes_of(self, index: int) -> int:
        """Bytes of a tensor as stored; 0 for resources and strings."""
        return tensor_bytes(self.shape(index), BITS.get(TYPES[self.tensor(index).type], 0))

    def name(self, index: int) -> str:
        return (self.tensor(index).name or b"").decode("utf-8", "replace")

    def place(self, index: int) -> str:
        """The tensor's name made readable where litert-torch wrote it.

        It strings together one path of `package.Class_attribute` for each operator that was fused, last one first;
        the place is the attributes of the first operator: `features.0.conv`.
        """
        name = self.name(index)
        path = name.split(";;")[-1].rpartition(";")[0]
        attributes = [part.rpartition(".")[2].partition("_")[2] for part in path.split("/")]
        return ".".join(attribute for attribute in attributes if attribute not in ("", "wrapped")) or name

    def type(self, operator: Any) -> str:
        """The operator's type as the format calls it: CONV_2D, or a custom operator's own name."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        builtin = OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return (code.customCode or b"CUSTOM").decode() if builtin == "CUSTOM" else builtin


def load(path: Path) -> Graph:
    """The parsed file. Raises ModelError where it is no TFLite file or damaged."""
    data = path.read_bytes()
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a TFLite file", hint="a TFLite file has TFL3 at byte 4; convert it again")
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
        return Graph(model, model.subgraphs[0])
    except (struct.error, IndexError, ValueError, TypeError, MemoryError, AttributeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is damaged: {error}", hint="convert it again") from error


def read(path: Path) -> Reading:
    """Inputs, outputs, operators and weights of the file's main graph.

    Raises ModelError where it cannot be parsed or an input has a dynamic dimension.
    """
    graph = load(path)
    inputs = tuple(_tensor(graph, index) for index in graph.subgraph.inputs)
    outputs = tuple(_tensor(graph, index) for index in graph.subgraph.outputs)
    stored: Counter[str] = Counter()
    for index, tensor in enumerate(graph.subgraph.tensors):
        if graph.constant(index):
            stored[TYPES[tensor.type].lower()] += elements(graph.shape(index))
    return Reading(inputs, outputs, operators(graph), stored)


def check_shapes(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises UsageError where `shapes` asks for another shape of an input than the file has."""
    for index in graph.subgraph.inputs:
        name = graph.name(index)
        if name in shapes and shapes[name] != graph.shape(index):
            raise UsageError(
                f"'{name}' has shape {graph.shape(index)}, fixed when the file was converted",
                hint="leave --input-shape out, or convert it again with the shape that you need",
            )


def operators(graph: Graph) -> tuple[Operator, ...]:
    """The operators in order of execution; `order` is the node's index in the file, `name` its first output's.

    An operator all of whose inputs are constants (DEQUANTIZE of float16 weights) runs once at load and is left out;
    whoever reads its output reads the constant.
    """
    folded: dict[int, int] = {}
    listed = []
    for index, operator in enumerate(graph.subgraph.operators or []):
        sources = [folded.get(int(tensor), int(tensor)) for tensor in _present(operator.inputs)]
        sinks = [int(tensor) for tensor in _present(operator.outputs)]
        if sources and len(sinks) == 1 and all(graph.constant(tensor) for tensor in sources):
            folded[sinks[0]] = sources[0]
            continue
        kind = graph.type(operator)
        listed.append(
            Operator(
                order=index,
                name=graph.place(sinks[0]) if sinks else kind,
                type=kind,
                macs=MACS[kind](graph, operator) if kind in MACS else 0,
                input_bytes=sum(graph.bytes_of(tensor) for tensor in sources if not graph.constant(tensor)),
                weight_bytes=sum(graph.bytes_of(tensor) for tensor in sources if graph.constant(tensor)),
                output_bytes=sum(graph.bytes_of(tensor) for tensor in sinks),
                output_shape=graph.shape(sinks[0]) if sinks else (),
            )
        )
    return tuple(listed)


def _present(tensors: Any) -> list[int]:
    return [int(tensor) for tensor in tensors if tensor >= 0] if tensors is not None else []


def _convolution(graph: Graph, operator: Any) -> int:
    """Filters are (output channels, height, width, input channels / groups)."""
    filters = graph.shape(operator.inputs[1])
    return convolution_macs(graph.shape(operator.outputs[0]), elements(filters), filters[0])


def _depthwise(graph: Graph, operator: Any) -> int:
    """Filters are (1, height, width, output channels)."""
    filters = graph.shape(operator.inputs[1])
    return convolution_macs(graph.shape(operator.outputs[0]), elements(filters), filters[-1])


def _transposed(graph: Graph, operator: Any) -> int:
    """Inputs are (output shape, filters, data); filters as in a convolution."""
    filters = graph.shape(operator.inputs[1])
    return transposed_convolution_macs(graph.shape(operator.inputs[2]), elements(filters), filters[-1])


def _fully_connected(graph: Graph, operator: Any) -> int:
    """Weights are (outputs, inputs)."""
    return matmul_macs(graph.shape(operator.outputs[0]), graph.shape(operator.inputs[1])[-1])


def _batch_matmul(graph: Graph, operator: Any) -> int:
    left = graph.shape(operator.inputs[0])
    return matmul_macs(graph.shape(operator.outputs[0]), left[-2] if operator.builtinOptions.adjX else left[-1])


MACS: Final[dict[str, Callable[[Graph, Any], int]]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
}


def _tensor(graph: Graph, index: int) -> Tensor:
    tensor, shape = graph.tensor(index), graph.shape(index)
    signature = tensor.shapeSignature
    if signature is not None and any(extent < 0 for extent in signature):
        position = next(i for i, extent in enumerate(signature) if extent < 0)
        texts = ", ".join("?" if extent < 0 else str(extent) for extent in signature)
        raise ModelError(
            f"'{graph.name(index)}' has shape ({texts}): dimension {position} is dynamic",
            hint="convert it again with a fixed shape: TFLite's kernels are chosen when it is converted",
        )
    return Tensor(
        name=graph.name(index), dtype=TYPES[tensor.type].lower(), shape=shape, quantization=_quantization(tensor)
    )


def _quantization(tensor: Any) -> Quantization | None:
    """The tensor's only scale and zero point; None where it has none or one for each channel."""
    parameters = tensor.quantization
    if parameters is None or parameters.scale is None or len(parameters.scale) != 1:
        return None
    return Quantization(scale=float(parameters.scale[0]), zero_point=int(parameters.zeroPoint[0]))
