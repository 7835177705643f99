"""Every recorded output of benchmark_model and onnxruntime_perf_test, against values read off it by eye."""

from __future__ import annotations

import pytest

from results.foreign.benchmark_model import parse_benchmark_model
from results.foreign.onnxruntime_perf import parse_perf_test, parse_profile
from tests.results.recorded import every, recorded

# file -> inference, warm-up, first, init (microseconds), inferences counted, rows of the table, memory overall (MB)
TOTALS = {
    "2018-op-profile-8col-timings": (79760.9, 83235, None, 38467, None, 5, None),
    "2018-stat-summarizer-log-prefix": (None, None, None, None, None, 0, None),
    "2018-timings-tail-other-run": (150988, 135310, None, 12123, None, 0, None),
    "2020-nnapi-gpu-op-profile-8col": (None, None, None, None, None, 11, None),
    "2020-nnapi-qti-default-fails-prepare": (None, None, None, None, None, 0, None),
    "2020-nnapi-qti-dsp-bad-data": (None, None, None, None, None, 0, None),
    "2021-mcu-op-profile-no-table-titles": (58.311, 39.1513, 129, 2450, 2254, 8, None),
    "2022-riscv-count1-scientific-avg-op-profile": (2950340, 3512390, 3512391, 17187, 50, 6, 46.0859),
    "2023-sgx-occlum-no-memory-line": (56283.9, 56415.2, 56903, 7003, 50, 0, None),
    "2025-am62-xnnpack-partial-1-kernel": (899641, 905463, 905463, 614333, 50, 0, 150.141),
    "2025-cpu-count1-warmup-p5-equal": (699438, 670083, 670083, 102320, 50, 0, 99.2031),
    "2025-fail-batch-matmul-prepare": (None, None, None, None, None, 0, None),
    "2025-gpu-opencl-full-no-replacing-line": (115246, 115344, 125113, 1361236, 50, 0, 132.816),
    "2025-xnnpack-65-partitions-partial": (42394.8, 48230.2, 90710, 207799, 24, 0, 26.6797),
    "2025-xnnpack-blank-lines-inside-run": (63743.2, 58147.4, 87112, 119515, 1000, 0, 55.4961),
    "2026-logcat-gpu-refuses-ops-two-delegates": (306869, 318238, 332961, 2227672, 25, 0, 176.777),
    "2026-logcat-nnapi-reference-not-executed": (281831, 351518, 362227, 123396, 25, 0, 122.793),
    "2026-logcat-tag-prefix-lines": (145528, 211669, 187533, 92318, 25, 0, 73.4102),
    "label_image-hexagon-delegate-31-of-31": (4231, None, None, None, None, 0, None),
    "litert2-cpu-profile-7col-benchmark-results": (464.545, None, None, 4478, 2112, 5, 11.51),
}


@pytest.mark.parametrize("name", every("tflite"))
def test_benchmark_model(name: str) -> None:
    found = parse_benchmark_model(recorded(name))
    assert found.failed or found.inference_us or found.profiled or found.operators
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in TOTALS:
        inference, warmup, first, init, count, rows, memory = TOTALS[stem]
        assert found.inference_us == pytest.approx(inference)
        assert (found.warmup_us, found.first_us) == (warmup, first)
        assert found.init_us == pytest.approx(init)
        assert (found.inference.count if found.inference else None) == count
        assert len(found.operators) == rows
        assert found.memory_overall_mb == memory


# Tables of which no row was left out by the people who published them.
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("2020-nnapi-gpu-op-profile-8col", 11),
        ("2021-mcu-op-profile-no-table-titles", 8),
        ("litert2-cpu-profile-7col-benchmark-results", 5),
    ],
)
def test_milliseconds_of_the_operators_add_up_to_the_profiled_run(name: str, rows: int) -> None:
    """The percent column, read as milliseconds, would add up to 100 or more."""
    found = parse_benchmark_model(recorded(f"tflite/{name}.txt"))
    assert len(found.operators) == rows
    assert found.profiled is not None
    total = sum(row.average_ms for row in found.operators if row.times_called != 0 or "mcu" in name)
    assert total == pytest.approx(found.profiled.avg / 1000, rel=0.02)


def test_rows_keep_name_type_and_milliseconds() -> None:
    found = parse_benchmark_model(recorded("tflite/2020-nnapi-gpu-op-profile-8col.txt"))
    row = found.operators[6]
    assert row.type == "TfLiteNnapiDelegate"
    assert row.name == "[model/tf.nn.silu_16/mul, model/tf.nn.silu_26/mul, model/tf.nn.silu_35/mul]:231"
    assert (row.average_ms, row.first_ms, row.memory_kb, row.times_called) == (79.010, 78.701, 0.0, 1)
    assert [(row.type, row.average_ms) for row in found.initialization] == [
        ("ModifyGraphWithDelegate", 413.346),
        ("AllocateTensors", 158.023),
    ]


def test_table_without_the_start_column() -> None:
    found = parse_benchmark_model(recorded("tflite/litert2-cpu-profile-7col-benchmark-results.txt"))
    row = found.operators[3]
    assert (row.type, row.name) == ("Fully Connected (NC, PF32) GEMM", "Delegate/Fully Connected (NC, PF32) GEMM:1")
    assert (row.first_ms, row.average_ms) == (0.538, 0.382)
    assert found.memory_init_mb == 8.94
    assert found.warmup is not None
    assert (found.warmup.count, found.warmup.avg) == (1055, 465.319)


def test_first_table_of_2018_has_its_operators_once() -> None:
    found = parse_benchmark_model(recorded("tflite/2018-op-profile-8col-timings.txt"))
    assert [row.average_ms for row in found.operators] == [4.269, 2.150, 6.107, 0.002, 0.029]
    assert found.profiled is not None
    assert (found.profiled.count, found.profiled.avg, found.profiled.std) == (50, 79732, 1929)
    assert found.nodes == 31


def test_timings_behind_a_log_prefix() -> None:
    found = parse_benchmark_model(recorded("tflite/2018-stat-summarizer-log-prefix.txt"))
    assert found.profiled is not None
    assert (found.profiled.count, found.profiled.first, found.profiled.avg) == (405, 38212, 34421.5)
    assert found.nodes == 139


def test_percentiles_and_warmup_of_one_run() -> None:
    found = parse_benchmark_model(recorded("tflite/2025-cpu-count1-warmup-p5-equal.txt"))
    assert found.warmup is not None
    assert found.inference is not None
    assert (found.warmup.count, found.warmup.median) == (1, 670083)
    assert (found.inference.p5, found.inference.median, found.inference.p95) == (502674, 576856, 1373207)
    assert (found.inference.min, found.inference.max) == (502355, 2270688)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2025-xnnpack-65-partitions-partial", [("TfLiteXNNPackDelegate", 2136, 2168, 65)]),
        ("2025-fail-batch-matmul-prepare", [("TfLiteXNNPackDelegate", 2136, 2168, 65)]),
        (
            "2026-logcat-gpu-refuses-ops-two-delegates",
            [("TfLiteGpuDelegateV2", 54, 559, 3), ("TfLiteXNNPackDelegate", 456, 506, 13)],
        ),
        ("2026-logcat-nnapi-reference-not-executed", [("TfLiteXNNPackDelegate", 510, 559, 11)]),
        ("label_image-hexagon-delegate-31-of-31", [("Hexagon", 31, 31, 1)]),
        ("2025-gpu-opencl-full-no-replacing-line", []),
    ],
)
def test_delegates(name: str, expected: list[tuple[str, int, int, int]]) -> None:
    found = parse_benchmark_model(recorded(f"tflite/{name}.txt"))
    assert [(each.delegate, each.replaced, each.nodes, each.partitions) for each in found.delegations] == expected


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("2020-nnapi-qti-default-fails-prepare", 3),
        ("2020-nnapi-qti-dsp-bad-data", 2),
        ("2025-fail-batch-matmul-prepare", 4),
    ],
)
def test_failed_runs_say_so_and_have_no_latency(name: str, errors: int) -> None:
    found = parse_benchmark_model(recorded(f"tflite/{name}.txt"))
    assert found.failed
    assert len(found.errors) == errors
    assert found.inference_us is None


# file -> session, first, average ms, requests, CPU percent, peak bytes, P50, P99 seconds
PERF = {
    "perf_test-2024-spacemit": (2.74716, 85, 62.2935, 100, 382, 114634752, 0.0603562, 0.0912857),
    "perf_test-2025-vivo-x300-no-sme2": (0.227282, 343, 339.381120, 5, 11, 241426432, 0.336476, 0.34682),
    "perf_test-2025-vivo-x300-sme2": (0.217932, 196, 98.961997, 5, 11, 271122432, 0.0995086, 0.101519),
}


@pytest.mark.parametrize("name", every("onnxruntime", "perf_test*"))
def test_onnxruntime_perf_test(name: str) -> None:
    found = parse_perf_test(recorded(name))
    assert found.average_ms
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in PERF:
        assert (
            found.session_s,
            found.first_ms,
            found.average_ms,
            found.requests,
            found.cpu_percent,
            found.peak_bytes,
            found.latency_s["P50"],
            found.latency_s["P99"],
        ) == PERF[stem]


def test_profile_whose_lines_are_cut_short_still_tells_names_and_times() -> None:
    found = parse_profile(recorded("onnxruntime/profile-cuda-lines-cut-short.json.txt"))
    nodes = [(event.name, event.op_type, event.duration_us) for event in found if event.category == "Node"]
    assert nodes == [
        ("Convolution28_kernel_time", "Conv", 66055),
        ("ReLU32_kernel_time", "Relu", 775),
        ("Times212/MatMulAddFusion_kernel_time", "Gemm", 32264),
    ]
    assert {event.provider for event in found if event.category == "Node"} == {"CUDAExecutionProvider"}
    assert len(found) == 7
