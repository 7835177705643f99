"""Packs answer as the runs' own files do, are made once, and never outlive what they were made of."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from foundation.errors import StorageError
from results import history
from results.history import query, trend
from results.packs import packed
from results.run_folders import list_runs
from tests.results.test_history import stored


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tables(root: Path, count: int, rows: int = 4) -> list[Path]:
    """So many runs' files of `rows` rows; cells take turns, so that packing has something to sort."""
    files = []
    for index in range(count):
        path = root / f"run-{index}" / "operators.parquet"
        path.parent.mkdir(parents=True)
        run = [f"run-{index}"] * rows
        cell = [f"cell-{row % 2}" for row in range(rows)]
        parquet.write_table(pa.table({"run": run, "cell": cell, "duration": list(range(rows))}), path)
        files.append(path)
    return files


def rows(paths: list[Path]) -> list[dict[str, object]]:
    """All rows of these files, in an order of their own."""
    found = [row for path in paths for row in parquet.read_table(path, partitioning=None).to_pylist()]
    return sorted(found, key=lambda row: (row["run"], row["cell"], row["duration"]))


def test_packs_and_what_is_left_hold_every_row_once(tmp_path: Path) -> None:
    files = tables(tmp_path / "runs", 7)
    read = packed("operators", files, most_runs=3)
    assert len(read) == 3  # two packs of three, one run left
    assert read[-1] == files[-1]
    assert rows(read) == rows(files)
    cells = parquet.read_table(read[0], partitioning=None)["cell"].to_pylist()
    assert cells == sorted(cells)


def test_a_full_stretch_waits_for_the_run_after_it_and_earlier_packs_stay(tmp_path: Path, cache: Path) -> None:
    files = tables(tmp_path / "runs", 8)
    assert packed("operators", files[:3], most_runs=3) == files[:3]
    first = packed("operators", files[:4], most_runs=3)
    assert packed("operators", files, most_runs=3)[0] == first[0]
    assert len(list(cache.rglob("*.parquet"))) == 2


def test_bytes_end_a_pack_too_and_a_large_file_is_its_own(tmp_path: Path) -> None:
    files = tables(tmp_path / "runs", 5)
    size = files[0].stat().st_size
    read = packed("operators", files, most_runs=100, most_bytes=2 * size + 10)
    assert len(read) == 3  # 2 + 2 + 1
    assert rows(read) == rows(files)
    assert rows(packed("operators", files, most_bytes=1)) == rows(files)


def test_a_run_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    files = tables(tmp_path / "runs", 4)
    packed("operators", files, most_runs=3)
    changed = parquet.read_table(files[1], partitioning=None)
    changed = changed.set_column(2, "duration", pa.array([9, 8, 7, 6]))
    parquet.write_table(changed, files[1])
    assert rows(packed("operators", files, most_runs=3)) == rows(files)


def test_packs_of_no_use_are_removed_after_days(tmp_path: Path, cache: Path) -> None:
    files = tables(tmp_path / "runs", 4)
    [old, _] = packed("operators", files, most_runs=3)
    os.utime(old, (0, 0))
    packed("operators", files[1:], most_runs=2)
    assert not old.exists()
    assert len(list(cache.rglob("*.parquet"))) == 1


def test_a_cache_that_cannot_be_written_costs_time_and_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tables(tmp_path / "runs", 4)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "file" / "cache"))
    assert packed("operators", files, most_runs=3) == files


def test_history_and_queries_answer_alike_from_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "it's runs"
    for index in range(4):
        stored(root, f"run-{index}", f"2026-11-0{index + 1}T00:00:00+00:00", 10.0 + index, seed=index)
    sql = (
        "SELECT c.network, o.run, median(o.duration), count(*) FROM operators o JOIN cells c USING (run, cell) "
        "WHERE c.precision = 'fp32' GROUP BY ALL ORDER BY ALL"
    )
    plain = query(root, sql), trend(root, "mobilenet_v2")
    monkeypatch.setattr(history, "packed", functools.partial(packed, most_runs=2))
    assert (query(root, sql), trend(root, "mobilenet_v2")) == plain
    assert len(list((tmp_path / "cache").rglob("cells-*.parquet"))) == 1
    (list_runs(root)[0] / "cells.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(StorageError, match="cannot be read"):
        trend(root, "mobilenet_v2")
