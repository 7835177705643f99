"""The commands that read finished runs, from the command line to what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.main import register_commands, run
from foundation.artifact import Published
from foundation.errors import Exit
from results.store import Evidence, RunWriter
from tests.results.synthetic import Effects, artifact, evidence

PAPER = Published(top1=71.8, source="Sandler et al., table 4")


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    register_commands()


def stored(root: Path, found: Evidence) -> str:
    with RunWriter.create(root, found.run) as writer:
        for trial in found.trials:
            writer.append(trial)
        writer.finish()
    return found.run.id


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs in milliseconds, one in instructions."""
    artifacts = [artifact("mobilenet_v2", "tflite", p, published=PAPER) for p in ("fp32", "int8")]
    effects = [Effects(), Effects(latency_ns=5e6, disturbed_share=0.5)]
    stored(tmp_path, evidence(effects, artifacts, run_id="a1"))
    stored(tmp_path, evidence(effects, artifacts, run_id="a2", seed=1))
    stored(tmp_path, evidence(effects, artifacts, run_id="b1", clock="instructions", blocks=2))
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_show_json_has_the_fields_that_are_promised(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = shown(capsys, "show", "a1", "--runs", str(runs), "--json")
    record = json.loads(out)
    assert status == Exit.OK
    assert {"run", "device", "cells"} <= record.keys()
    assert (record["run"], record["device"]) == ("a1", "local")
    promised = {
        "id", "network", "format", "precision", "threads", "clock", "latency", "cold", "load", "peak_memory_bytes",
        "verdict", "reasons", "trials", "samples", "artifact", "params", "macs", "memory_access_bytes",
    }  # fmt: skip
    cell = record["cells"][0]
    assert promised <= cell.keys()
    assert cell["latency"].keys() == {"median", "low", "high", "unit"}
    assert cell["artifact"].keys() == {"sha256", "size_bytes"}
    assert cell["latency"]["low"] <= cell["latency"]["median"] <= cell["latency"]["high"]


def test_show_prints_interval_verdict_and_reason_in_100_columns(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = shown(capsys, "show", "a1", "--runs", str(runs))
    assert status == Exit.OK
    assert "CONTENDED" in out
    assert "interrupted" in out
    assert max(map(len, out.splitlines())) <= 100


def test_show_prints_the_worst_of_each_reason_or_every_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifacts = [artifact("mobilenet_v2", "tflite", p) for p in ("fp32", "int8")]
    effects = [Effects(disturbed_share=0.4), Effects(disturbed_share=0.7)]
    stored(tmp_path, evidence(effects, artifacts, run_id="busy"))
    told = {}
    for options in ((), ("--reasons",)):
        _, out, _ = shown(capsys, "show", "busy", "--runs", str(tmp_path), *options)
        told[options] = [line for line in out.splitlines() if line.startswith("CONTENDED")]
    assert len(told[()]) == 1
    assert told[()][0].startswith("CONTENDED in 2 of 2 cells, worst: local/mobilenet_v2/tflite/int8/t1:")
    assert len(told["--reasons",]) == 2


def test_waiver_on_the_command_line_is_shown_and_changes_the_verdict(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = shown(capsys, "show", "a1", "--runs", str(runs), "--json", "--waive", "CONTENDED")
    cell = json.loads(out)["cells"][1]
    assert cell["verdict"] == "valid"
    assert [(reason["code"], reason["waived"]) for reason in cell["reasons"]] == [("CONTENDED", True)]


def test_ops_json_lists_operators_whose_macs_sum_to_the_files(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--format", "tflite", "--precision", "fp32", "--runs", str(runs), "--json")
    _, out, _ = shown(capsys, "ops", "a1", "mobilenet_v2", *options)
    rows = json.loads(out)
    assert {"order", "name", "type", "median_us", "share", "macs", "bytes"} <= rows[0].keys()
    assert sum(row["macs"] for row in rows) == artifact().macs
    assert [row["median_us"] for row in rows] == sorted((row["median_us"] for row in rows), reverse=True)


def test_ops_of_an_unknown_network_names_those_of_the_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = shown(capsys, "ops", "a1", "mobilenet_v3", "--runs", str(runs))
    assert status == Exit.USAGE
    assert "mobilenet_v2" in error


def test_ops_json_of_several_cells_asks_which(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = shown(capsys, "ops", "a1", "mobilenet_v2", "--json", "--runs", str(runs))
    assert status == Exit.USAGE
    assert "--precision" in error


def test_plot_writes_png_and_svg_where_asked(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = shown(capsys, "plot", "b1", "--runs", str(runs), "-o", str(runs / "chart.png"))
    assert status == Exit.OK
    assert out.split() == [str(runs / f"chart-instructions.{suffix}") for suffix in ("png", "svg")]
    assert all(Path(line).stat().st_size > 1000 for line in out.split())


def test_compare_of_two_clocks_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = shown(capsys, "compare", "a1", "b1", "--runs", str(runs))
    assert (status, out) == (Exit.USAGE, "")
    assert "never compared" in error


@pytest.mark.parametrize("option", ["--json", "--markdown", None])
def test_compare_prints_ratio_and_interval(runs: Path, capsys: pytest.CaptureFixture[str], option: str | None) -> None:
    arguments = ["compare", "a1", "a2", "--runs", str(runs), *([option] if option else [])]
    status, out, _ = shown(capsys, *arguments)
    assert status == Exit.OK
    if option == "--json":
        cells = json.loads(out)["cells"]
        assert all(cell["low"] < cell["ratio"] < cell["high"] for cell in cells)
    else:
        assert "no difference seen" in out
        assert "CONTENDED" in out


def test_replay_says_equal_and_after_a_change_what_differs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "replay", "a1", "--runs", str(runs))[0] == Exit.OK
    derived = runs / "a1" / "derived.json"
    derived.write_text(derived.read_text().replace('"trials":5', '"trials":6', 1))
    status, out, _ = shown(capsys, "replay", "a1", "--runs", str(runs))
    assert status == Exit.REGRESSION
    assert "trials was 6, is 5" in out


def test_stored_run_of_schema_1_still_replays(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[1] / "data" / "schema-1"
    status, out, _ = shown(capsys, "replay", str(folder))
    assert (status, out.strip()[-7:]) == (Exit.OK, "2 cells"), out


def test_run_that_is_not_there_is_told_with_the_newest(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = shown(capsys, "show", "c9", "--runs", str(runs))
    assert status == Exit.USAGE
    assert "a1" in error


def test_check_of_a_finished_run_exits_1_on_a_regression_and_names_it_first(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from tests.results.test_compare import EXACT, board

    stored(runs, board(artifacts=[artifact("net")]))
    slower = board(EXACT.__class__(**{**EXACT.__dict__, "latency_ns": 10.5e6}), [artifact("net")], seed=1)
    stored(runs, slower)
    file = tmp_path / "baseline.json"
    assert shown(capsys, "baseline", "save", str(file), "--run", "run-0", "--runs", str(runs))[0] == Exit.OK
    common = ("check", "--baseline", str(file), "--out", str(runs))
    assert shown(capsys, *common, "--run", "run-0")[0] == Exit.OK
    junit = tmp_path / "junit.xml"
    status, out, _ = shown(capsys, *common, "--run", "run-1", "--junit", str(junit))
    assert status == Exit.REGRESSION
    first = out.splitlines()[0]
    assert first.startswith("FAIL")
    assert "net" in first
    assert "conv_2d_0" in first
    assert "1.05" in first
    assert "<failure" in junit.read_text()


def test_check_of_milliseconds_against_instructions_is_usage(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from tests.results.test_compare import board

    stored(runs, board())
    file = tmp_path / "baseline.json"
    shown(capsys, "baseline", "save", str(file), "--run", "run-0", "--runs", str(runs))
    status, out, error = shown(capsys, "check", "--baseline", str(file), "--run", "a1", "--out", str(runs))
    assert (status, out) == (Exit.USAGE, "")
    assert "counts instructions" in error


def test_baseline_of_a_device_is_not_written_when_its_model_file_is_gone(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "baselines" / "baseline.json"
    status, out, error = shown(capsys, "baseline", "save", str(file), "--run", "a1", "--runs", str(runs))
    assert (status, out) == (Exit.STORAGE, "")
    assert "is not the file that run a1 measured" in error
    assert not file.parent.exists()
