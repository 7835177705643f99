"""A run's cells as CSV and Parquet: the columns of cells.parquet."""

from __future__ import annotations

import io

import pyarrow as pa

from results.derive import cell_evidence
from results.store import Evidence
from results.tables import cells_table


def _cells(evidence: Evidence) -> pa.Table:
    return cells_table(evidence, cell_evidence(evidence))


def parquet(evidence: Evidence) -> bytes:
    """One row a cell, as in the run's own cells.parquet."""
    from pyarrow import parquet as writer

    stream = io.BytesIO()
    writer.write_table(_cells(evidence), stream, compression="zstd")
    return stream.getvalue()


def csv(evidence: Evidence) -> bytes:
    """One row a cell, scalars only. A text that a spreadsheet would run as a formula gets a leading apostrophe."""
    from pyarrow import csv as writer

    table = _cells(evidence).drop_columns(["record"])
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            safe = [_unformulated(value) for value in table.column(position).to_pylist()]
            table = table.set_column(position, field, pa.array(safe, type=field.type))
    stream = io.BytesIO()
    writer.write_csv(table, stream)
    return stream.getvalue()


def _unformulated(text: str | None) -> str | None:
    """Names come from outside; OWASP, CSV injection."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text
