"""Many runs at once: the trend of a cell, and SQL that can read the runs' tables and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.errors import StorageError, UsageError
from results.derive import cells
from results.history import by_series, query, sparkline, trend
from results.store import Evidence, RunWriter
from tests.results.synthetic import Effects, artifact, evidence

FILES = [artifact("mobilenet_v2"), artifact("mobilenet_v2", precision="int8"), artifact("squeezenet1_1", "onnx")]


def stored(root: Path, name: str, started: str, latency_ms: float, seed: int = 0) -> Evidence:
    """A finished run on disk."""
    effects = [Effects(latency_ns=latency_ms * factor * 1e6, samples=20) for factor in (1.0, 0.5, 1.2)]
    made = evidence(effects, FILES, blocks=3, run_id=name, seed=seed)
    run = made.run.model_copy(update={"started": started})
    with RunWriter.create(root, run) as writer:
        for trial in made.trials:
            writer.append(trial)
        writer.finish()
    return Evidence(run, made.trials)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs whose folder names do not sort by time, in a folder with a quote in its name."""
    root = tmp_path_factory.mktemp("it's [all] the runs")
    stored(root, "zeta", "2026-11-01T00:00:00+00:00", 10.0)
    stored(root, "alpha", "2026-11-02T00:00:00+00:00", 11.0)
    stored(root, "mid'dle", "2026-11-03T00:00:00+00:00", 14.0)
    return root


def test_trend_follows_a_cell_over_runs_by_their_start(runs: Path) -> None:
    points = trend(runs, "mobilenet_v2", precision="fp32")
    assert [point.run for point in points] == ["zeta", "alpha", "mid'dle"]
    assert [point.latency for point in points] == pytest.approx([10.0, 11.0, 14.0], rel=0.02)
    assert all(point.low < point.latency < point.high for point in points if point.latency)
    assert {point.runtime for point in points} == {"litert 2.3.0"}


def test_trend_keeps_precisions_apart(runs: Path) -> None:
    lines = by_series(trend(runs, "mobilenet_v2"))
    assert [len(line) for line in lines.values()] == [3, 3]


def test_an_unknown_network_names_the_nearest(runs: Path) -> None:
    with pytest.raises(UsageError, match="squeezenet1_1"):
        trend(runs, "squeezenet")
    with pytest.raises(UsageError, match="no run has mobilenet_v2 with these options"):
        trend(runs, "mobilenet_v2", device="pixel")


def test_a_query_over_all_runs_equals_what_each_run_derives(runs: Path, tmp_path: Path) -> None:
    derived = stored(tmp_path, "again", "2026-11-01T00:00:00+00:00", 10.0)
    expected = {cell.network + cell.precision: cell.latency.median for cell in cells(derived) if cell.latency}
    answer = query(runs, "SELECT network || precision AS name, latency FROM cells WHERE run = 'zeta'")
    assert {row["name"]: row["latency"] for row in answer.records()} == pytest.approx(expected)


def test_operators_and_samples_can_be_joined_with_cells(runs: Path) -> None:
    sql = (
        "SELECT c.network, count(*) AS n FROM samples s JOIN cells c USING (run, cell) WHERE c.precision = 'fp32' "
        "GROUP BY 1 ORDER BY 1"
    )
    assert query(runs, sql).rows == (("mobilenet_v2", 3 * 3 * 20), ("squeezenet1_1", 3 * 3 * 20))
    assert query(runs, "SELECT count(*) FROM operators").rows == ((3 * 3 * 3 * 5 * 20,),)


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC 1",
        "SELECT nothing FROM cells",
        "SELECT * FROM nowhere",
        "",
        "SELECT 1; SELECT 2",
        "SELECT 1/'x'",
    ],
)
def test_broken_sql_is_one_clear_message(runs: Path, sql: str) -> None:
    with pytest.raises(UsageError) as raised:
        query(runs, sql)
    assert "\n" not in raised.value.message
    assert "bench query" in raised.value.hint


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{root}/stolen.csv'",
        "COPY (SELECT 1) TO '{root}/zeta/cells.parquet' (FORMAT parquet)",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{root}/*')",
        "ATTACH '{root}/other.db'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW cells",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{secret}']",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "EXPORT DATABASE '{root}/dump'",
        "SELECT * FROM query('COPY (SELECT 1) TO ''{root}/stolen.csv''')",
        "SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')",
        "SELECT * FROM secret_frame",
    ],
)
def test_a_query_reaches_nothing_but_the_tables(runs: Path, sql: str) -> None:
    import pandas as pd

    secret_frame = pd.DataFrame({"password": ["hunter2"]})
    assert len(secret_frame) == 1
    secret = runs / "secret.txt"
    secret.write_text("hunter2")
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    with pytest.raises(UsageError):
        query(runs, sql.format(root=str(runs).replace("'", "''"), secret=str(secret).replace("'", "''")))
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before


def test_a_query_may_describe_and_explain(runs: Path) -> None:
    assert "latency_low" in {row[0] for row in query(runs, "DESCRIBE cells").rows}
    assert query(runs, "EXPLAIN SELECT 1 FROM cells").rows


def test_more_rows_than_asked_for_are_left_out_and_it_says_so(runs: Path) -> None:
    answer = query(runs, "SELECT * FROM samples", limit=10)
    assert (len(answer.rows), answer.more) == (10, True)
    assert not query(runs, "SELECT * FROM samples LIMIT 10", limit=10).more


def test_numbers_that_json_does_not_have_become_null(runs: Path) -> None:
    assert query(runs, "SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b, 1.5::DOUBLE AS c").records() == [
        {"a": None, "b": None, "c": 1.5}
    ]


def test_an_unfinished_run_takes_no_part_and_no_run_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run in"):
        query(tmp_path, "SELECT 1")
    made = evidence(run_id="cut-short")
    RunWriter.create(tmp_path, made.run).close()
    with pytest.raises(StorageError, match="no finished run") as raised:
        query(tmp_path, "SELECT 1")
    assert "--resume cut-short" in raised.value.hint
    stored(tmp_path, "whole", "2026-11-02T00:00:00+00:00", 11.0)
    assert query(tmp_path, "SELECT DISTINCT run FROM cells").rows == (("whole",),)


def test_runs_of_an_older_version_with_fewer_columns_are_read_together(tmp_path: Path) -> None:
    from pyarrow import parquet

    stored(tmp_path, "old", "2026-11-01T00:00:00+00:00", 10.0)
    stored(tmp_path, "new", "2026-11-02T00:00:00+00:00", 10.0)
    path = tmp_path / "old" / "cells.parquet"
    parquet.write_table(parquet.read_table(path).drop_columns(["runtime", "noise"]), path)
    assert [point.runtime for point in trend(tmp_path, "squeezenet1_1")] == [None, "onnxruntime 2.3.0"]


def test_a_damaged_table_is_a_storage_error(tmp_path: Path) -> None:
    stored(tmp_path, "torn", "2026-11-01T00:00:00+00:00", 10.0)
    (tmp_path / "torn" / "cells.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(StorageError):
        trend(tmp_path, "mobilenet_v2")


def test_sparkline_runs_from_the_least_to_the_greatest_and_leaves_gaps() -> None:
    assert sparkline([1.0, None, 8.0, 4.5]) == "▁ █▅"
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert sparkline([None]) == " "
