"""ONNX files: fp32 from torch's exporter, int8 and fp16 derived from that float file.

int8 is static QDQ, weights per channel: the form that onnxruntime turns into integer kernels on x86 and ARM alike.
Activations are unsigned, since signed ones leave many convolutions in float on x86.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from exporters.calibration import Inputs, Method

if TYPE_CHECKING:
    from torch import nn

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

OPSET: Final = 18
INPUT: Final = "input"
OUTPUT: Final = "logits"

# Of a percentile's pictures every activation is held in memory at once: some 50 MB a picture.
METHODS: Final = (
    Method("minmax", 64),
    Method("minmax", 16),
    Method("minmax", 100),
    Method("percentile", 24, 99.999),
    Method("moving", 64),
)


def export_float(model: nn.Module, shape: Sequence[int], path: Path) -> None:
    """Write `model` as a float32 ONNX file: static `shape` with its batch of one, weights inside the file."""
    import torch

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            model,
            (torch.zeros(tuple(shape)),),
            path,
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )


def quantize(float_file: Path, inputs: Inputs, path: Path, method: Method) -> str:
    """Write the int8 form of `float_file`, calibrated on the first `inputs`; returns how, in words for the record.

    U8S8, because S8S8 leaves many convolutions in float on x86 and runs 2-3 times slower.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime logs advice through the root logger
    prepared = path.with_suffix(".prepared.onnx")
    percentile = method.rule == "percentile"
    options = {"CalibPercentile": method.percentile} if percentile else {"CalibMovingAverage": method.rule == "moving"}
    try:
        quant_pre_process(str(float_file), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _reader(inputs[: method.pictures]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile if percentile else CalibrationMethod.MinMax,
            extra_options=options,
        )
        _unshare_weights(path)
    finally:
        prepared.unlink(missing_ok=True)
    return f"static QDQ, u8 activations, s8 weights per channel, {method}"


def _unshare_weights(path: Path) -> None:
    """Give each node that reads a quantized constant a copy of its own.

    Equal constants (the biases and scales of untrained layers) are one in the float file. onnxruntime rewrites signed
    weights for x86 cores without VNNI (session.x64quantprecision) node by node, and fails on one that two nodes read.
    """
    import onnx

    model = onnx.load(path)
    constants = {constant.name: constant for constant in model.graph.initializer}
    readers: dict[str, onnx.NodeProto] = {}
    seen: set[str] = set()
    nodes = []
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            readers[node.output[0]] = node
        for place, name in enumerate(node.input):
            if name in seen:
                suffix = f"_{len(nodes)}_{place}"
                copy = onnx.NodeProto()
                copy.CopyFrom(readers[name])
                copy.name += suffix
                copy.output[0] = node.input[place] = name + suffix
                for index, constant in enumerate(copy.input):
                    model.graph.initializer.add().CopyFrom(constants[constant])
                    copy.input[index] = model.graph.initializer[-1].name = constant + suffix
                nodes.append(copy)
            elif name in readers:
                seen.add(name)
        nodes.append(node)
    if len(nodes) > len(model.graph.node):
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        onnx.save(model, path)


def halve(float_file: Path, path: Path) -> None:
    """Write `float_file` with float16 weights and arithmetic; inputs and outputs stay float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights below 6e-8 become 6e-8, which is what float16 can hold
        onnx.save(convert_float_to_float16(onnx.load(float_file), keep_io_types=True), path)


def run(path: Path, inputs: Inputs) -> NDArray[np.float32]:
    """First output for each input, stacked: (n, ...), computed by onnxruntime on one CPU thread.

    With exact int8 products on every x86 core: without VNNI, U8S8 kernels add pairs of products in 16 bits and
    saturate, and what the record says of a file must not depend on who exported it. It costs a factor of 2.3 where
    there is VNNI, and changes no output there.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: value})[0] for value in inputs]).astype(np.float32)


def _reader(inputs: Inputs) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left: Iterator[NDArray[np.float32]] = iter(inputs)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            value = next(self.left, None)
            return None if value is None else {INPUT: value}

    return Reader()
