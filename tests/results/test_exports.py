"""Files for other tools: each is what that tool's own schema asks for, and holds what was derived."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import pytest

import results
from foundation.errors import StorageError, UsageError
from results.derive import cell_evidence, cells
from results.exports.formats import FORMATS, convert
from results.operators import operator_table
from results.store import Evidence, RunWriter
from tests.results.synthetic import LAYERS, Effects, artifact, evidence

HOSTILE = "=cmd|' /C calc'!A0|*x*<b>\n`y`"


def measured() -> Evidence:
    return evidence(
        [Effects(latency_ns=10e6), Effects(latency_ns=5e6), Effects(latency_ns=7e6)],
        [
            artifact("mobilenet_v2"),
            artifact("mobilenet_v2", precision="int8"),
            artifact(HOSTILE, "onnx", family="user"),
        ],
        blocks=3,
    )


def written(name: str, tmp_path: Path, run: Evidence | None = None, **only: str) -> str:
    path = convert(
        run or measured(),
        name,
        tmp_path / "out",
        lambda cell: all(getattr(cell.cell, key) == value for key, value in only.items()),
    )
    return path.read_text()


def test_csv_has_a_row_a_cell_and_no_formula_a_spreadsheet_would_run(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", tmp_path))))
    derived = cells(measured())
    assert [float(row["latency"]) for row in rows] == [cell.latency.median for cell in derived if cell.latency]
    assert rows[2]["network"] == "'" + HOSTILE
    assert "record" not in rows[0]


def test_parquet_holds_whole_records(tmp_path: Path) -> None:
    from pyarrow import parquet

    path = convert(measured(), "parquet", tmp_path / "out", lambda _: True)
    table = parquet.read_table(path)
    assert [json.loads(text)["id"] for text in table["record"].to_pylist()] == [cell.id for cell in cells(measured())]


def test_markdown_shows_a_hostile_name_letter_by_letter_in_one_row(tmp_path: Path) -> None:
    text = written("markdown", tmp_path)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 3
    assert all(len(line.replace("\\|", "").split("|")) == 12 for line in lines)
    assert "\\|\\*x\\*\\<b\\> \\`y\\`" in lines[-1]


def test_markdown_keeps_two_clocks_in_two_tables(tmp_path: Path) -> None:
    board = evidence(Effects(samples=5), clock="instructions", blocks=2)
    assert "instructions, M" in written("markdown", tmp_path, board)
    assert "latency, ms" not in written("markdown", tmp_path, board)


def test_a_trace_is_one_real_inference_with_its_operators_nested_end_to_end(tmp_path: Path) -> None:
    run = measured()
    document = json.loads(written("perfetto", tmp_path, run, network="mobilenet_v2", precision="fp32"))
    # Trace Event Format: every event has ph, pid, tid and name; a complete one (X) ts and dur in microseconds
    for event in document["traceEvents"]:
        assert event["ph"] in ("X", "M")
        assert {"name", "pid", "tid", "args"} <= event.keys()
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] >= 0
    slices = [event for event in document["traceEvents"] if event["ph"] == "X"]
    whole, operators = slices[0], [event for event in slices if event["cat"] == "operator"]
    cell = cell_evidence(run)[0]
    walls = sorted(wall / 1e3 for reading in cell.complete if reading.ops for wall in reading.ops.wall_ns)
    assert whole["dur"] in walls
    assert len(operators) == len(LAYERS)
    for left, right in itertools.pairwise(slices[1:]):
        assert right["ts"] == pytest.approx(left["ts"] + left["dur"])
    assert slices[-1]["ts"] + slices[-1]["dur"] == pytest.approx(whole["dur"])
    assert [event["args"]["macs"] for event in operators] == [layer[2] for layer in LAYERS]


def test_node_data_gives_every_operator_of_the_file_its_time_by_its_index(tmp_path: Path) -> None:
    """Model Explorer's schema: {graph id: {results: {node id: {value}}, gradient: [{stop, bgColor}]}}.

    Its own reader gives a .tflite the graph `main` and its operators their index as node id.
    """
    run = measured()
    document = json.loads(written("model-explorer", tmp_path, run, network="mobilenet_v2", precision="int8"))
    assert list(document) == ["main"]
    times = {row.operator_order: row.time for row in operator_table(cell_evidence(run)[1])}
    found = {int(node): result["value"] for node, result in document["main"]["results"].items()}
    assert found == pytest.approx(times, abs=1e-3)
    assert set(found) == set(range(len(LAYERS)))
    assert [item["stop"] for item in document["main"]["gradient"]] == [0, 1]


def test_formats_of_one_cell_ask_for_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="3 cells fit") as raised:
        written("perfetto", tmp_path)
    assert "--precision fp32|int8" in raised.value.hint
    with pytest.raises(UsageError, match="no cell fits"):
        written("perfetto", tmp_path, network="nothing")
    with pytest.raises(UsageError, match=r"\.tflite"):
        written("model-explorer", tmp_path, format="onnx")
    with pytest.raises(UsageError, match="no format xlsx"):
        written("xlsx", tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_without_a_finished_trial_is_an_empty_file_or_one_message(name: str, tmp_path: Path) -> None:
    run = Evidence(evidence().run, ())
    if FORMATS[name].whole is not None:
        convert(run, name, tmp_path / "out", lambda _: True)
    else:
        with pytest.raises(UsageError):
            convert(run, name, tmp_path / "out", lambda _: True)


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        convert(measured(), "csv", tmp_path / "file" / "out.csv", lambda _: True)


def test_python_opens_a_run_as_pandas_and_arrow(tmp_path: Path) -> None:
    made = measured()
    with RunWriter.create(tmp_path, made.run) as writer:
        for trial in made.trials:
            writer.append(trial)
    run = results.open("latest", runs=tmp_path)
    assert list(run.cells["latency"]) == [cell.latency.median for cell in cells(made) if cell.latency]
    samples = run.samples.query("cell.str.contains('int8')").groupby("block")["wall"]
    assert samples.median().median() / 1e6 == pytest.approx(run.cells["latency"][1], rel=1e-3)
    assert len(run.operators) == 3 * 3 * len(LAYERS) * 20
    assert run.operators_arrow.num_rows == len(run.operators)
    with pytest.raises(UsageError, match="no run nothing"):
        results.open("nothing", runs=tmp_path)


def test_the_example_of_the_docs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = measured()
    with RunWriter.create(tmp_path / "runs", made.run) as writer:
        for trial in made.trials:
            writer.append(trial)
    page = Path(__file__).resolve().parents[2] / "docs" / "python.md"
    example = page.read_text().split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/python.md", "exec"), {})  # noqa: S102
    assert "mobilenet_v2" in capsys.readouterr().out
