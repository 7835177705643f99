"""Which operator of the file each profiled event was: alignment by order and compatible type.

A runtime fuses, absorbs, renames and inserts operators. XNNPACK runs 1x1 convolutions as Fully Connected and absorbs
PAD; onnxruntime fuses activations and additions into Conv, reorders tensors for its blocked layout (channels padded
to its blocks) and hides packed weights. Both keep the order of the file but for independent branches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Final

from foundation.artifact import Operator
from results.evidence import OperatorEvent

Compatible = Callable[[OperatorEvent, Operator], bool]

# XNNPACK's operator -> types of the file that run as it. What is not listed matches the type of the same letters.
XNNPACK: Final = {
    "convolution": {"CONV_2D", "DEPTHWISE_CONV_2D"},
    "fullyconnected": {"FULLY_CONNECTED", "CONV_2D"},
    "deconvolution": {"TRANSPOSE_CONV"},
    "batchmatrixmultiply": {"BATCH_MATMUL", "FULLY_CONNECTED"},
    "multiply": {"MUL"},
    "subtract": {"SUB"},
    "divide": {"DIV"},
    "sigmoid": {"LOGISTIC"},
    "clamp": {"RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "MINIMUM", "MAXIMUM"},
    "maxpooling": {"MAX_POOL_2D"},
    "averagepooling": {"AVERAGE_POOL_2D"},
    "globalaveragepooling": {"MEAN", "AVERAGE_POOL_2D"},
    "mean": {"MEAN", "AVERAGE_POOL_2D"},
    "copy": {"CONCATENATION", "RESHAPE", "SPLIT", "SQUEEZE", "EXPAND_DIMS"},
    "staticreshape": {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"},
    "slice": {"SLICE", "STRIDED_SLICE", "SPLIT"},
    "constantpad": {"PAD", "PADV2"},
    "resizebilinear": {"RESIZE_BILINEAR"},
    "convert": {"QUANTIZE", "DEQUANTIZE", "CAST"},
    "leakyrelu": {"LEAKY_RELU"},
    "squareroot": {"SQRT"},
    "reciprocalsquareroot": {"RSQRT"},
    "unpooling": {"MAX_UNPOOLING_2D"},
}
DEPTHWISE_KERNEL: Final = re.compile(r"\bDWConv\b")

CONVOLUTIONS: Final = {"Conv", "FusedConv", "QLinearConv", "ConvInteger", "NhwcFusedConv", "ConvAddRelu"}
MATMULS: Final = {"Gemm", "FusedGemm", "QGemm", "MatMul", "FusedMatMul", "QLinearMatMul", "MatMulInteger"}
CHANNEL_BLOCK: Final = 16  # onnxruntime's largest (AVX-512); AVX2 and NEON use 8


def align(events: Sequence[OperatorEvent], operators: Sequence[Operator]) -> list[Operator | None]:
    """The file's operator for each event, None where the runtime inserted it; no operator twice.

    An event that tells its node's index is that operator. The rest: dynamic programming (Needleman and Wunsch, 1970)
    over both sequences keeps most multiply-accumulates in order; operators of branches that the runtime swapped are
    then given to the first compatible event left over.
    """
    matched: list[Operator | None] = [None] * len(events)
    by_index = {operator.order: operator for operator in operators}
    for position, event in enumerate(events):
        if not event.fast_path and event.node_index is not None:
            matched[position] = by_index.get(event.node_index)
    taken = {operator.order for operator in matched if operator}
    free = [operator for operator in operators if operator.order not in taken]
    open_events = [position for position in range(len(events)) if matched[position] is None]
    compatible = onnx_compatible if any(event.shapes_out for event in events) else xnnpack_compatible
    for position, operator in _in_order([events[p] for p in open_events], free, compatible):
        matched[open_events[position]] = free[operator]
    _leftovers(events, matched, free, compatible)
    return matched


def _in_order(
    events: Sequence[OperatorEvent], operators: Sequence[Operator], compatible: Compatible
) -> list[tuple[int, int]]:
    rows, columns = len(events), len(operators)
    gains = _gains(events, operators, compatible)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        row, below, gain = best[i], best[i + 1], gains[i]
        for j in range(columns - 1, -1, -1):
            skip = below[j] if below[j] > row[j + 1] else row[j + 1]
            both = below[j + 1] + gain[j] if gain[j] else 0
            row[j] = both if both > skip else skip
    pairs = []
    i = j = 0
    while i < rows and j < columns:
        if gains[i][j] and best[i][j] == best[i + 1][j + 1] + gains[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _gains(events: Sequence[OperatorEvent], operators: Sequence[Operator], compatible: Compatible) -> list[list[int]]:
    """What each match is worth, 0 where it cannot be. What computes counts most; an equal name breaks ties."""
    worth = [20 if operator.macs else 2 for operator in operators]
    gains = []
    for event in events:
        name = onnx_name(event.name)
        gains.append(
            [
                value + (operator.name == name) if compatible(event, operator) else 0
                for operator, value in zip(operators, worth, strict=True)
            ]
        )
    return gains


def _leftovers(
    events: Sequence[OperatorEvent],
    matched: list[Operator | None],
    operators: Sequence[Operator],
    compatible: Compatible,
) -> None:
    taken = {operator.order for operator in matched if operator}
    rest = [operator for operator in operators if operator.order not in taken and operator.macs]
    for position, event in enumerate(events):
        if matched[position] is None:
            found = next((operator for operator in rest if compatible(event, operator)), None)
            if found:
                matched[position] = found
                rest.remove(found)


def xnnpack_compatible(event: OperatorEvent, operator: Operator) -> bool:
    """Whether an event of LiteRT's profiler may be this operator of a TFLite file."""
    return _runs_as(event.name, operator.type) if event.fast_path else event.type == operator.type


@cache
def _runs_as(name: str, type: str) -> bool:
    """Whether XNNPACK runs this type of the file as an operator of this name."""
    kind = _letters(name.partition("(")[0])
    if kind == "convolution" and DEPTHWISE_KERNEL.search(name):
        return type == "DEPTHWISE_CONV_2D"
    types = XNNPACK.get(kind)
    return type in types if types else _letters(type) == kind


def onnx_compatible(event: OperatorEvent, operator: Operator) -> bool:
    """Whether an event of onnxruntime's profiler may be this operator of an ONNX file."""
    if event.type in CONVOLUTIONS:
        return operator.type == "Conv" and _same_output(event, operator) and _same_weights(event, operator)
    if event.type in MATMULS:
        return operator.type in ("Gemm", "MatMul") and _same_output(event, operator)
    return re.sub("^(QLinear|Nhwc|Fused)", "", event.type) == operator.type and _same_output(event, operator)


@cache
def onnx_name(name: str) -> str:
    """The name in the file of a value that onnxruntime renamed: `hardtanh_1_nchwc` and `add_3_token_12`."""
    return re.sub(r"(_nchwc|_nhwc|_token_\d+)+$", "", name)


@cache
def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower())


def _same_output(event: OperatorEvent, operator: Operator) -> bool:
    """Equal shapes, in NCHW or NHWC, channels padded up to a block."""
    if not event.shapes_out:
        return False
    ran, stored = event.shapes_out[0][1], operator.output_shape
    if ran == stored:
        return True
    if len(ran) != len(stored) or len(ran) < 3:
        return False
    if (ran[0], ran[-1], *ran[1:-1]) == stored:
        return True
    return ran[0] == stored[0] and ran[2:] == stored[2:] and _padded(ran[1], stored[1])


def _same_weights(event: OperatorEvent, operator: Operator) -> bool:
    """Equal numbers of weights for each output channel; unknown where the runtime packed them away."""
    weights = event.shapes_in[1][1] if len(event.shapes_in) > 1 else ()
    outputs = prod(operator.output_shape)
    if len(weights) < 3 or not outputs:
        return True
    inputs, rest = divmod(operator.macs // outputs, prod(weights[2:]))
    return rest == 0 and _padded(weights[1], inputs)


def _padded(ran: int, stored: int) -> bool:
    return stored <= ran < stored + CHANNEL_BLOCK
