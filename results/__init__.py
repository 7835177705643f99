"""Evidence and what is derived from it: statistics, verdicts, tables, charts, reports. No torch, no device.

import results
run = results.open("runs/20261122-101500-1234")
run.cells[["network", "format", "precision", "latency", "latency_low", "latency_high", "verdict"]]
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.opened import OpenedRun


def open(run: str | Path = "latest", runs: str | Path = "runs") -> OpenedRun:
    """A run by path, id, unique prefix or `latest`; its `cells`, `operators` and `samples` are pandas tables.

    Nothing heavy is imported before this is called. Raises UsageError when there is no such run, StorageError when
    its evidence is damaged.
    """
    from results.opened import opened

    return opened(run, runs)
