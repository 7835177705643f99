"""Leaving one cell over: what to say when none or several fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from foundation.errors import UsageError
from results.cell_result import CellResult
from results.evidence import Cell

T = TypeVar("T")


def only(found: Sequence[T], cell_of: Callable[[T], Cell | CellResult], what: str) -> T:
    """The one that was found. Raises UsageError for none or several, naming the options that tell them apart."""
    if not found:
        raise UsageError("no cell fits these options", hint="bench show lists the run's cells")
    if len(found) > 1:
        cells = [cell_of(one) for one in found]
        differing = [
            f"--{key} {'|'.join(values)}"
            for key in ("network", "format", "precision", "device", "threads")
            if len(values := sorted({str(getattr(cell, key)) for cell in cells})) > 1
        ]
        hint = "add " + " ".join(differing) if differing else "name one run"
        raise UsageError(f"{len(found)} cells fit, {what} one", hint=hint)
    return found[0]
