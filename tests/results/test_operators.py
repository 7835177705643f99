"""Operators of a profile against those of the file: sequences as the two runtimes print them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from foundation.artifact import Operator
from results.alignment import align
from results.derive import cell_evidence
from results.evidence import OperatorEvent
from results.operators import OperatorRow, bytes_of, macs_of, operator_table, unaligned_macs
from tests.results.synthetic import Effects, artifact, evidence

Shape = tuple[str, tuple[int, ...]]


def operator(order: int, type: str, macs: int = 0, shape: tuple[int, ...] = (), name: str = "") -> Operator:
    return Operator(
        order=order,
        name=name or f"node_{order}",
        type=type,
        macs=macs,
        input_bytes=4,
        weight_bytes=4,
        output_bytes=4,
        output_shape=shape,
    )


def xnnpack(order: int, name: str, fast: bool = True, node: int | None = None) -> OperatorEvent:
    kind = name.partition(" (")[0]
    return OperatorEvent(order=order, name=name, type=kind, durations_ns=(1,), fast_path=fast, node_index=node)


def onnx(order: int, type: str, inputs: list[Shape], output: tuple[int, ...], name: str = "") -> OperatorEvent:
    return OperatorEvent(
        order=order,
        name=name or f"event_{order}",
        type=type,
        durations_ns=(1,),
        fast_path=True,
        shapes_in=tuple(inputs),
        shapes_out=(("float32", output),),
    )


def orders(events: list[OperatorEvent], operators: list[Operator]) -> list[int | None]:
    return [found.order if found else None for found in align(events, operators)]


def test_xnnpack_absorbs_padding_and_runs_pointwise_convolutions_as_fully_connected() -> None:
    """The first operators of MobileNetV2 as LiteRT 2.3 profiles them."""
    file = [
        operator(0, "PAD"),
        operator(1, "CONV_2D", 10_838_016),
        operator(2, "DEPTHWISE_CONV_2D", 3_612_672),
        operator(3, "CONV_2D", 6_422_528),
        operator(4, "CONV_2D", 19_267_584),
        operator(5, "PAD"),
        operator(6, "DEPTHWISE_CONV_2D", 2_709_504),
        operator(7, "CONV_2D", 7_225_344),
        operator(8, "ADD"),
        operator(9, "MEAN"),
        operator(10, "RESHAPE"),
        operator(11, "FULLY_CONNECTED", 1_280_000),
    ]
    ran = [
        xnnpack(0, "Convolution (NHWC, F32) IGEMM"),
        xnnpack(1, "Convolution (NHWC, F32) DWConv"),
        xnnpack(2, "Fully Connected (NC, F32) GEMM"),
        xnnpack(3, "Fully Connected (NC, F32) GEMM"),
        xnnpack(4, "Convolution (NHWC, F32) DWConv"),
        xnnpack(5, "Fully Connected (NC, F32) GEMM"),
        xnnpack(6, "Add (ND)"),
        xnnpack(7, "Mean (ND) Reduce2"),
        xnnpack(8, "Fully Connected (NC, F32) GEMM"),
    ]
    assert orders(ran, file) == [1, 2, 3, 4, 6, 7, 8, 9, 11]


def test_operator_left_outside_the_delegate_is_found_by_its_index() -> None:
    file = [operator(0, "CONV_2D", 5), operator(1, "HARD_SWISH"), operator(2, "CONV_2D", 7), operator(3, "HARD_SWISH")]
    ran = [
        xnnpack(0, "Convolution (NHWC, QC8) IGEMM"),
        xnnpack(1, "HARD_SWISH", fast=False, node=1),
        xnnpack(2, "Fully Connected (NC, QS8, QC8W) GEMM"),
        xnnpack(3, "HARD_SWISH", fast=False, node=3),
    ]
    assert orders(ran, file) == [0, 1, 2, 3]


def test_depthwise_kernel_is_never_an_ordinary_convolution() -> None:
    file = [operator(0, "CONV_2D", 5), operator(1, "DEPTHWISE_CONV_2D", 3)]
    assert orders([xnnpack(0, "Convolution (NHWC, F32) DWConv")], file) == [1]


def test_onnxruntimes_blocked_layout_pads_channels_and_inserts_reorders() -> None:
    """ShuffleNetV2's stem as onnxruntime 1.31 profiles it: 24 channels run as 32."""
    file = [
        operator(0, "Conv", 24 * 112 * 112 * 27, (1, 24, 112, 112)),
        operator(1, "Relu", 0, (1, 24, 112, 112)),
        operator(2, "MaxPool", 0, (1, 24, 56, 56)),
        operator(3, "Conv", 24 * 28 * 28 * 9, (1, 24, 28, 28)),
        operator(4, "Conv", 58 * 28 * 28 * 24, (1, 58, 28, 28)),
    ]
    image, stem = ("float32", (1, 3, 224, 224)), ("float32", (1, 24, 56, 56))
    ran = [
        onnx(0, "Conv", [image, ("float32", (32, 3, 3, 3)), ("float32", (32,))], (1, 32, 112, 112), "relu_nchwc"),
        onnx(1, "ReorderOutput", [("float32", (1, 32, 112, 112))], (1, 24, 112, 112)),
        onnx(2, "MaxPool", [("float32", (1, 24, 112, 112))], (1, 24, 56, 56)),
        onnx(3, "ReorderInput", [stem], (1, 32, 56, 56)),
        onnx(4, "Conv", [("float32", (1, 32, 56, 56)), ("float32", (32, 1, 3, 3))], (1, 32, 28, 28)),
        onnx(5, "Conv", [("float32", (1, 32, 28, 28)), ("float32", (64, 32, 1, 1))], (1, 64, 28, 28)),
    ]
    matched = align(ran, file)
    assert [found.order if found else None for found in matched] == [0, None, 2, None, 3, 4]
    assert sum(macs_of(event, found) for event, found in zip(ran, matched, strict=True)) == sum(o.macs for o in file)


def test_quantized_convolutions_hide_their_weights_and_run_in_nhwc() -> None:
    file = [operator(0, "Conv", 3_612_672, (1, 32, 112, 112)), operator(1, "Add", 0, (1, 32, 112, 112))]
    ran = [
        onnx(0, "Transpose", [("uint8", (1, 32, 112, 112))], (1, 112, 112, 32)),
        onnx(1, "QLinearConv", [("uint8", (1, 112, 112, 32)), ("float32", ())], (1, 112, 112, 32)),
        onnx(2, "QLinearAdd", [("uint8", (1, 112, 112, 32)), ("float32", ())], (1, 112, 112, 32)),
    ]
    assert orders(ran, file) == [None, 0, 1]


def test_branches_that_the_runtime_swapped_still_find_their_operators() -> None:
    file = [
        operator(0, "Conv", 24 * 784 * 9, (1, 24, 28, 28)),
        operator(1, "Conv", 58 * 784 * 24, (1, 58, 28, 28)),
        operator(2, "Conv", 58 * 3136 * 24, (1, 58, 56, 56)),
        operator(3, "Conv", 58 * 784 * 9, (1, 58, 28, 28)),
    ]
    weights = [(24, 1, 3, 3), (58, 24, 1, 1), (58, 24, 1, 1), (58, 1, 3, 3)]
    events = [
        onnx(position, "Conv", [("float32", (1,)), ("float32", weights[index])], file[index].output_shape)
        for position, index in enumerate((2, 3, 0, 1))
    ]
    assert orders(events, file) == [2, 3, 0, 1]


def test_macs_of_an_operator_the_file_does_not_list_come_from_its_shapes() -> None:
    """A convolution's MACs are output height x width x number of weights; a product's, outputs x inner extent."""
    weights: Shape = ("float32", (64, 3, 7, 7))
    conv = onnx(0, "FusedConv", [("float32", (1, 3, 224, 224)), weights], (1, 64, 112, 112))
    assert macs_of(conv, None) == 118_013_952  # ResNet's stem: 112 x 112 x 64 x 147
    gemm = onnx(1, "Gemm", [("float32", (1, 1280)), ("float32", (1000, 1280))], (1, 1000))
    assert macs_of(gemm, None) == 1_280_000
    assert bytes_of(gemm, None) == 4 * (1280 + 1_280_000 + 1000)
    assert bytes_of(xnnpack(0, "Copy (NC, X32)"), None) is None


def table(effects: Effects, **made: object) -> list[OperatorRow]:
    return operator_table(cell_evidence(evidence(effects, **made))[0])  # type: ignore[arg-type]


def test_table_sums_to_the_files_macs_and_to_the_profiled_time() -> None:
    effects = Effects(latency_ns=10e6, profiled_overhead=0.05, operators_share=0.97)
    rows = table(effects)
    assert unaligned_macs(rows, artifact()) == 0
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert sum(row.median_us or 0 for row in rows) == pytest.approx(10e3 * 1.05 * 0.97, rel=0.02)
    first = rows[0]
    assert first.macs_per_second == pytest.approx(first.macs / (first.time * 1e-6))
    assert first.intensity == pytest.approx(10_838_016 / (602_112 + 3_584 + 1_605_632))


def test_instructions_have_no_rates_and_no_microseconds() -> None:
    rows = table(Effects(), clock="instructions", blocks=2)
    assert {(row.unit, row.median_us, row.macs_per_second) for row in rows} == {("instructions", None, None)}


def test_trial_that_ran_another_graph_does_not_enter_the_table() -> None:
    found = evidence(blocks=3)
    lines = [json.loads(line) for line in found.trials[2].lines]
    next(line for line in lines if line["kind"] == "ops")["operators"].pop()
    other = found.trials[2].model_copy(update={"lines": tuple(map(json.dumps, lines))})
    changed = replace(found, trials=(*found.trials[:2], other))
    without = replace(found, trials=found.trials[:2])
    assert operator_table(cell_evidence(changed)[0]) == operator_table(cell_evidence(without)[0])


def test_cell_that_was_not_profiled_has_an_empty_table() -> None:
    found = evidence(blocks=1)
    lines = tuple(line for line in found.trials[0].lines if '"kind":"ops"' not in line)
    silent = replace(found, trials=(found.trials[0].model_copy(update={"lines": lines}),))
    assert operator_table(cell_evidence(silent)[0]) == []
