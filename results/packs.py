"""Parquet files of many runs packed into few, so that a question over a thousand runs opens a dozen files.

Runs are packed from the oldest on; the newest ones stay as they are until they fill a pack. Rows are sorted by cell, so
that a reader of one cell passes over the others' row groups. A pack lies in the cache under a name made of its sources'
paths, sizes and times: a run that was written anew is never answered from an old pack.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from foundation.cache import cache_root, key_of, written_whole
from foundation.errors import StorageError

MOST_RUNS: Final = 100
MOST_BYTES: Final = 4_000_000  # of sources, compressed: about two million rows, sorted in memory
LAYOUT: Final = 1  # raised when packs are written otherwise
KEPT_DAYS: Final = 2  # of a pack that no question uses any more


def packed(name: str, files: Sequence[Path], most_runs: int = MOST_RUNS, most_bytes: int = MOST_BYTES) -> list[Path]:
    """What to read for table `name` of these runs (oldest first): packs, then the files that fill none yet.

    Packs that are missing are made. Where one cannot be made (no space, a damaged source) the files themselves are
    returned: they give the same answer, only later, or the error that is theirs.
    """
    import duckdb

    stats = [path.stat() for path in files]
    full, loose = _parted([stat.st_size for stat in stats], most_runs, most_bytes)
    folder = cache_root() / "tables" / key_of(sorted({str(path.parent.parent) for path in files}))[:16]
    chosen = []
    try:
        for part in full:
            sources = [files[index] for index in part]
            marks = [(str(files[i]), stats[i].st_size, stats[i].st_mtime_ns, stats[i].st_ino) for i in part]
            pack = folder / f"{name}-{key_of([LAYOUT, marks])[:32]}.parquet"
            if not pack.exists():
                _write(pack, sources)
                _forget(folder)
            os.utime(pack)
            chosen.append(pack)
    except (StorageError, OSError, duckdb.Error):
        return list(files)
    return [*chosen, *(files[index] for index in loose)]


def _parted(sizes: Sequence[int], most_runs: int, most_bytes: int) -> tuple[list[range], range]:
    """Stretches of at least two files that fill a pack each, and the last stretch, which does not yet.

    More files at the end change no earlier stretch.
    """
    full, start, held = [], 0, 0
    for index, size in enumerate(sizes):
        if index > start and (index - start == most_runs or held + size > most_bytes):
            full.append(range(start, index))
            start, held = index, 0
        held += size
    return full, range(start, len(sizes))


def _write(pack: Path, sources: Sequence[Path]) -> None:
    """All rows of the sources in one file, sorted by cell and run; a column that some sources lack is null there."""
    import duckdb

    listed = ", ".join(literal(str(path)) for path in sources)
    with written_whole(pack) as temporary, duckdb.connect() as database:
        database.execute("SET temp_directory = ''")
        database.execute(
            f"COPY (SELECT * FROM read_parquet([{listed}], union_by_name = true) ORDER BY cell, run) "
            f"TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)"
        )


def _forget(folder: Path) -> None:
    """Remove packs that no question has used for some days."""
    oldest = time.time() - KEPT_DAYS * 86400
    for path in folder.glob("*.parquet"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def literal(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
