"""report, rank, history, query, convert and plot from the command line: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.main import register_commands, run
from foundation.artifact import Published
from foundation.errors import Exit
from results.charts.kinds import KINDS
from results.store import Evidence, RunWriter
from tests.results.synthetic import Effects, artifact, evidence


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    register_commands()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs in milliseconds, a later one that counts instructions."""
    root = tmp_path_factory.mktemp("runs")
    files = [
        artifact(name, precision=precision, published=Published(top1=top1, source="paper"))
        for name, top1 in (("mobilenet_v2", 71.9), ("squeezenet1_1", 58.2))
        for precision in ("fp32", "int8")
    ]
    effects = [Effects(latency_ns=ms * 1e6, samples=20) for ms in (10, 5, 12, 6)]
    for day, made in enumerate(
        [
            evidence(effects, files, run_id="a1", blocks=3),
            evidence(effects, files, run_id="a2", blocks=3, seed=1),
            evidence(effects, files, run_id="b1", blocks=2, clock="instructions", device="emulator"),
        ]
    ):
        store(root, made, day)
    return root


def store(root: Path, made: Evidence, day: int) -> None:
    with RunWriter.create(root, made.run.model_copy(update={"started": f"2026-11-0{day + 1}T00:00:00Z"})) as writer:
        for trial in made.trials:
            writer.append(trial)
        writer.finish()


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_rank_prints_probabilities_and_its_json_sums_to_one(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(capsys, "rank", "a1", "--target-ms", 8, "--preset", "hard", "--runs", runs)
    assert status == Exit.OK
    assert "1. mobilenet_v2 tflite int8" in out  # 0.719 within 8 ms; squeezenet 0.582
    assert "top-1" in out
    _, out, _ = said(capsys, "rank", "a1", "--target-ms", 8, "--runs", runs, "--json")
    [ranking] = json.loads(out)["rankings"]
    assert sum(one["probability_first"] for one in ranking["ranked"]) == pytest.approx(1.0)
    assert (ranking["alpha"], ranking["beta"]) == (-0.07, -0.07)


def test_rank_needs_a_target_in_the_clock_of_the_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "rank", "a1", "--runs", runs)[0] == Exit.USAGE
    status, _, err = said(capsys, "rank", "b1", "--target-ms", 8, "--runs", runs)
    assert status == Exit.USAGE
    assert "counts instructions" in err
    status, out, _ = said(capsys, "rank", "b1", "--target-instructions", 8e6, "--runs", runs)
    assert status == Exit.OK
    assert "M instructions" in out


def test_history_prints_each_run_and_a_sparkline_and_draws(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = said(
        capsys, "history", "mobilenet_v2", "--device", "local", "--runs", runs, "-o", tmp_path / "course.svg"
    )
    assert status == Exit.OK
    assert "a1" in out
    assert "a2" in out
    assert "b1" not in out
    assert "▁" in out
    assert (tmp_path / "course.svg").exists()
    assert (tmp_path / "course.png").exists()


def test_history_of_many_runs_prints_the_newest_and_says_so(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.commands.history.SHOWN", 1)
    _, out, _ = said(capsys, "history", "mobilenet_v2", "--device", "local", "--precision", "fp32", "--runs", runs)
    assert "a2" in out
    assert "a1" not in out
    assert "the newest 1 of 2 runs" in out


def test_history_of_two_clocks_has_two_tables_and_refuses_one_chart(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = said(capsys, "history", "mobilenet_v2", "--runs", runs)
    assert status == Exit.OK
    assert "M instructions" in out
    assert said(capsys, "history", "mobilenet_v2", "--runs", runs, "-o", tmp_path / "x")[0] == Exit.USAGE


def test_query_prints_a_table_or_json_and_one_message_for_broken_sql(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = said(capsys, "query", "SELECT run, count(*) AS n FROM cells GROUP BY 1 ORDER BY 1", "--runs", runs)
    assert status == Exit.OK
    assert [line.split() for line in out.splitlines()] == [["run", "n"], ["a1", "4"], ["a2", "4"], ["b1", "4"]]
    _, out, _ = said(capsys, "query", "SELECT DISTINCT run FROM cells ORDER BY 1 LIMIT 1", "--runs", runs, "--json")
    assert json.loads(out) == [{"run": "a1"}]
    status, out, err = said(capsys, "query", "SELECT FROM WHERE", "--runs", runs)
    assert (status, out, len(err.splitlines())) == (Exit.USAGE, "", 2)


def test_report_and_convert_write_where_they_are_told(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = said(capsys, "report", "a1", "b1", "--runs", runs, "-o", tmp_path / "r.html")
    assert status == Exit.OK
    assert str(tmp_path / "r.html") in out
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert said(capsys, "report", "a1", "--runs", runs, "-o", tmp_path)[0] == Exit.OK
    assert (tmp_path / "report.html").exists()
    status, _, _ = said(capsys, "convert", "a1", "--to", "markdown", "--runs", runs, "-o", tmp_path)
    assert status == Exit.OK
    assert (tmp_path / "cells.md").read_text().count("mobilenet") == 2
    one = ("--network", "mobilenet_v2", "--precision", "int8")
    assert said(capsys, "convert", "a1", "--to", "perfetto", *one, "--runs", runs, "-o", tmp_path)[0] == Exit.OK
    assert (tmp_path / "trace.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "a1", "-o", "{blocked}/r.html"),
        ("convert", "a1", "--to", "csv", "-o", "{blocked}/c.csv"),
        ("plot", "macs", "a1", "-o", "{blocked}/chart"),
        ("history", "mobilenet_v2", "--device", "local", "-o", "{blocked}/chart"),
    ],
)
def test_an_output_folder_that_cannot_be_written_is_one_message(
    arguments: tuple[str, ...], runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    given = [argument.format(blocked=tmp_path / "file") for argument in arguments]
    status, _, err = said(capsys, *given, "--runs", runs)
    assert status == Exit.STORAGE
    assert len(err.splitlines()) == 2


def test_plot_of_two_clocks_writes_two_charts(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(capsys, "plot", "macs", "a1", "b1", "--runs", runs, "-o", tmp_path)
    assert status == Exit.OK
    assert [Path(line).name for line in out.splitlines()] == [
        "macs.png",
        "macs.svg",
        "macs-instructions.png",
        "macs-instructions.svg",
    ]


def test_plot_lists_its_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "plot", "--list")[1].split() == list(KINDS)
