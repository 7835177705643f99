"""Many runs at once: the Parquet tables of a folder of runs as DuckDB views, and a cell's trend over them.

The connection can read those tables and nothing else: no other file, no network, no write, no setting.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from foundation.errors import StorageError, UsageError
from results.packs import literal, packed
from results.run_folders import list_runs

if TYPE_CHECKING:  # records and numpy would double the time until an answer
    import duckdb

    from results.cell_result import Unit, Verdict

TABLES: Final = ("cells", "operators", "samples")
MEMORY_LIMIT: Final = "4GB"


@dataclass(frozen=True)
class RunTables:
    """Parquet files of a folder of runs, by table name; `without`: runs that have none yet (unfinished ones)."""

    files: dict[str, tuple[Path, ...]]
    without: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a query returned, and of which type each column is (DuckDB's names)."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False  # rows beyond the limit were left out

    def records(self) -> list[dict[str, Any]]:
        """Rows as JSON objects by column name; JSON has no NaN and no infinity, so they become null."""
        return [dict(zip(self.columns, map(_json_value, row), strict=True)) for row in self.rows]


@dataclass(frozen=True)
class HistoryPoint:
    """One cell in one run. Times are in `unit`."""

    run: str
    started: str
    network: str
    format: str
    precision: str
    device: str
    threads: int
    cores: str
    unit: Unit
    latency: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reasons: str
    pocketbench: str
    commit: str | None
    runtime: str | None
    sha256: str

    @property
    def series(self) -> tuple[str, ...]:
        """What stays the same along one line of the trend."""
        return self.network, self.format, self.precision, self.device, str(self.threads), self.cores, self.unit


def find_tables(root: Path) -> RunTables:
    """The finished runs' tables under `root`, oldest run first. Raises StorageError when no run has any."""
    files: dict[str, list[Path]] = {name: [] for name in TABLES}
    without = []
    where = root.resolve()
    for folder in list_runs(root):
        found = [f"{where}/{folder.name}/{name}.parquet" for name in TABLES]
        if not all(map(os.path.isfile, found)):
            without.append(folder.name)
            continue
        for name, path in zip(TABLES, found, strict=True):
            files[name].append(Path(path))
    if not files["cells"]:
        if without:
            raise StorageError(f"no finished run in {where}", hint=f"finish one: bench run --resume {without[-1]}")
        raise UsageError(f"no run in {where}", hint="measure first: bench run --device local --models all")
    return RunTables({name: tuple(paths) for name, paths in files.items()}, tuple(without))


def connect(tables: RunTables, sql: str = "cells") -> duckdb.DuckDBPyConnection:
    """An in-memory database with the views `cells`, `operators` and `samples`, shut to everything else.

    `sql` is what will be asked: a table that it does not name is looked at less closely. Raises StorageError when a
    table is damaged.
    """
    import duckdb

    database = duckdb.connect()
    files = {name: list(paths) for name, paths in tables.files.items()}
    try:
        for name in TABLES:
            if name in sql.lower():
                files[name] = packed(name, files[name])
            database.execute(f"CREATE VIEW {name} AS SELECT * FROM {_source(files[name], name, name in sql.lower())}")
    except duckdb.Error as error:
        hint = "write it anew: bench replay RUN --write"
        raise StorageError(f"a run's table cannot be read: {first_line(error)}", hint=hint) from error
    allowed = ", ".join(literal(str(path)) for paths in files.values() for path in paths)
    for setting in (
        "python_enable_replacements = false",
        "temp_directory = ''",
        f"memory_limit = {literal(MEMORY_LIMIT)}",
        f"allowed_paths = [{allowed}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        database.execute(f"SET {setting}")
    return database


def _source(files: Sequence[Path], name: str, asked: bool) -> str:
    """What DuckDB reads a table from.

    Cells' columns grow from one version of pocketbench to the next, so they are joined by name, which opens every
    file once more; the others are read by the first file's columns.
    """
    listed = ", ".join(literal(str(path)) for path in files)
    by_name = "true" if name == "cells" and asked else "false"
    return f"read_parquet([{listed}], union_by_name = {by_name})"


def query(root: Path, sql: str, limit: int | None = None) -> Answer:
    """Run one reading statement over all runs of a folder.

    Raises UsageError for a statement that is broken, writes, or is not exactly one; StorageError without runs.
    """
    import duckdb

    database = connect(find_tables(root), sql)
    try:
        try:
            statements = database.extract_statements(sql)
        except duckdb.Error as error:
            raise UsageError(f"this SQL cannot be read: {first_line(error)}", hint=HINT) from error
        if len(statements) != 1:
            raise UsageError(f"one SQL statement is needed, {len(statements)} came", hint=HINT)
        if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise UsageError("only a statement that reads is allowed", hint=HINT)
        try:
            result = database.execute(statements[0])
            rows = result.fetchall() if limit is None else result.fetchmany(limit + 1)
        except duckdb.Error as error:
            raise UsageError(f"this SQL cannot be run: {first_line(error)}", hint=HINT) from error
        described = result.description or []
        return Answer(
            columns=tuple(column[0] for column in described),
            types=tuple(str(column[1]) for column in described),
            rows=tuple(rows if limit is None else rows[:limit]),
            more=limit is not None and len(rows) > limit,
        )
    finally:
        database.close()


HINT: Final = "tables are cells, operators and samples; see their columns with: bench query 'DESCRIBE cells'"


def trend(
    root: Path,
    network: str,
    *,
    format: str | None = None,
    precision: str | None = None,
    device: str | None = None,
    threads: int | None = None,
) -> list[HistoryPoint]:
    """A network's cells in every finished run, oldest run first. Raises UsageError for a network no run has."""
    import duckdb

    tables = find_tables(root)
    database = connect(tables)
    wanted = {"network": network, "format": format, "precision": precision, "device": device, "threads": threads}
    given = {key: value for key, value in wanted.items() if value is not None}
    try:
        rows = _rows(database, given)
        if not rows:
            known = database.execute("SELECT DISTINCT network FROM cells ORDER BY 1").fetchall()
            raise UsageError(_unknown(network, [name for (name,) in known]))
    except duckdb.Error as error:
        raise StorageError(f"a run's table cannot be read: {first_line(error)}") from error
    finally:
        database.close()
    return [HistoryPoint(**row) for row in rows]


def _rows(database: duckdb.DuckDBPyConnection, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the cells that fit, as fields of HistoryPoint. Tables written before it was kept have no runtime."""
    import duckdb

    renamed = {"low": "latency_low", "high": "latency_high"}
    names = [field.name for field in fields(HistoryPoint)]
    columns = [f'"{renamed.get(name, name)}" AS "{name}"' for name in names]
    older = ["NULL AS runtime" if column.startswith('"runtime"') else column for column in columns]
    where = " AND ".join(f"{key} = ?" for key in given)
    ordered = f"FROM cells WHERE {where} ORDER BY started, run, cell"
    try:
        found = database.execute(f"SELECT {', '.join(columns)} {ordered}", list(given.values()))
    except duckdb.BinderException:
        found = database.execute(f"SELECT {', '.join(older)} {ordered}", list(given.values()))
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def by_series(points: Sequence[HistoryPoint]) -> dict[tuple[str, ...], list[HistoryPoint]]:
    """Points sorted into lines of the trend, each in the order given."""
    lines: dict[tuple[str, ...], list[HistoryPoint]] = {}
    for point in points:
        lines.setdefault(point.series, []).append(point)
    return lines


BLOCKS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """Values as one character each, lowest to highest block from their least to their greatest; a gap is a space."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    least, span = min(known), max(known) - min(known)
    top = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[round((value - least) / span * top) if span else 0] for value in values
    )


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def first_line(error: Exception) -> str:
    """The first line of a database's message, which is the one that says what is wrong."""
    return str(error).strip().split("\n")[0]


def _unknown(network: str, known: list[str]) -> str:
    import difflib

    if network in known:
        return f"no run has {network} with these options"
    near = difflib.get_close_matches(network, known, 3) or known[:5]
    return f"no run has a network {network}; there are {', '.join(near)}"
