"""The formats that `bench convert` writes, registered in one place.

A format of cells writes a whole run, a format of one cell writes the operators of the one that the options leave.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.cache import written_whole
from foundation.errors import UsageError
from results.choice import only
from results.derive import cell_evidence, cells
from results.exports import markdown, model_explorer, perfetto, tables
from results.store import Evidence
from results.verdicts import CellEvidence


@dataclass(frozen=True)
class Format:
    """`whole` makes a file's bytes of a run, `single` of one cell; exactly one of the two is given."""

    file_name: str  # where none is asked for
    whole: Callable[[Evidence], bytes] | None = None
    single: Callable[[CellEvidence], bytes] | None = None


FORMATS: Final[dict[str, Format]] = {
    "csv": Format("cells.csv", whole=tables.csv),
    "parquet": Format("cells.parquet", whole=tables.parquet),
    "markdown": Format("cells.md", whole=lambda evidence: markdown.table(cells(evidence)).encode()),
    "perfetto": Format("trace.json", single=perfetto.trace),
    "model-explorer": Format("node_data.json", single=model_explorer.node_data),
}


def format_named(name: str) -> Format:
    """The format of this name. Raises UsageError with the nearest ones."""
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, 3, 0.4) or list(FORMATS)
        raise UsageError(f"no format {name}", hint=f"formats are {', '.join(near)}")
    return FORMATS[name]


def convert(evidence: Evidence, name: str, path: Path, chosen: Callable[[CellEvidence], bool]) -> Path:
    """Write a run, or the one cell that `chosen` leaves, in a format; into `path` itself, or below it if a folder.

    Raises UsageError when none or several cells are left for a format of one, StorageError when it cannot be written.
    """
    made = format_named(name)
    if made.single is not None:
        left = [cell for cell in cell_evidence(evidence) if chosen(cell)]
        data = made.single(only(left, lambda one: one.cell, "this format holds"))
    elif made.whole is not None:
        data = made.whole(evidence)
    else:
        raise ValueError(f"format {name} makes nothing")
    path = path / made.file_name if path.is_dir() else path
    with written_whole(path) as temporary:
        temporary.write_bytes(data)
    return path
