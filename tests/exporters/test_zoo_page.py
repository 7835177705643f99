"""docs/zoo.md: what it says follows from the records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.zoo_exports import PAGE, RECORDS, read
from benchmarks.zoo_page import page
from exporters.networks.registry import declarations


def file(format: str, precision: str, **other: Any) -> dict[str, Any]:
    delegation = {"partitions": 1, "undelegated": [], "transposes": 0} if format == "tflite" else None
    agreement = {"pictures": 50, "sqnr_db": 31.25, "top1": 0.96}
    made = {"seconds": 2.0, "size_bytes": 4_000_000, "operators": 38, "macs": 349_500_000}
    return {
        "format": format,
        "precision": precision,
        "delegation": delegation,
        "agreement": agreement,
        **made,
        **other,
    }


def record(network: str, *files: dict[str, Any], start: str = "2026-01-01T00:00:00", **other: Any) -> dict[str, Any]:
    about = {"network": network, "family": "a family", "params": 1_235_496, "weights": "random"}
    how = {"sitting": start, "jobs": 2, "cores": 2, "machine": "x86_64", "load": 2.5}
    return {**about, **how, "wall_s": 60.0, "ended_s": 60.0, "peak_bytes": 3 << 30, "files": list(files), **other}


def test_a_later_record_of_a_file_takes_the_place_of_the_earlier() -> None:
    first = record("alexnet", file("onnx", "fp32", seconds=8.0), file("onnx", "int8", seconds=9.0))
    again = record("alexnet", file("onnx", "int8", seconds=7.5), start="2026-01-02T00:00:00")
    written = page([first, again], ["alexnet"])
    assert "| alexnet* | onnx | fp32 | 4.0 | 38 | 349.5 | - | - | 8.0 | 31.2 | 0.96 |" in written
    assert "| alexnet* | onnx | int8 | 4.0 | 38 | 349.5 | - | - | 7.5 | 31.2 | 0.96 |" in written
    assert "| 9.0 |" not in written
    assert "made 2026-01-01 to 2026-01-02 in 2 sittings" in written


def test_sittings_are_added_up_and_networks_side_by_side_are_not() -> None:
    together = [record("alexnet", file("onnx", "fp32")), record("vgg16", file("onnx", "fp32"), ended_s=90.0)]
    later = record("resnet18", file("onnx", "fp32"), start="2026-01-02T00:00:00", ended_s=50.0)
    written = page([*together, later], ["alexnet", "vgg16", "resnet18"])
    assert "Wall time of the sittings: 140 s; the networks' own add up to 180 s" in written


def test_what_breaks_a_partition_is_counted_and_explained() -> None:
    outside = {"partitions": 3, "undelegated": ["HARD_SWISH", "CUMSUM", "HARD_SWISH"], "transposes": 0}
    written = page([record("alexnet", file("tflite", "int8", delegation=outside))], ["alexnet"])
    assert "- alexnet int8: 3 partitions; 2 HARD_SWISH (XNNPACK has no int8 hard-swish); 1 CUMSUM (not taken" in written


def test_transposes_that_nobody_explained_say_so() -> None:
    two = {"partitions": 1, "undelegated": [], "transposes": 2}
    written = page([record("alexnet", file("tflite", "fp32", delegation=two))], ["alexnet"])
    assert "- alexnet: 2; not looked into" in written


def test_what_failed_and_what_was_not_tried_are_named() -> None:
    failed = {"format": "onnx", "precision": "fp32", "error": "the converter ran out of memory"}
    made = [file("onnx", "int8"), file("tflite", "fp32"), file("tflite", "fp16")]
    written = page([record("alexnet", failed, *made)], ["alexnet", "vgg16"])
    assert "- alexnet onnx fp32: the converter ran out of memory" in written
    assert "- alexnet: not tried: tflite int8" in written
    assert "- vgg16: not tried: onnx fp32, onnx int8, tflite fp32" in written
    assert "1 of 2 networks" in written


def test_the_page_in_docs_is_the_one_that_its_records_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read(RECORDS), list(declarations()))


def test_there_are_no_records_before_the_first_sitting(tmp_path: Path) -> None:
    assert read(tmp_path / "zoo.jsonl") == []
