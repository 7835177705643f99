"""Scores for a person (a table) and for a program (the JSON list of `bench accuracy --json`)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from results.accuracy import PACKAGED, Score

NOT_IMAGENET = (
    f"'{PACKAGED}' are photographs that packages ship, most of them easy: compare precisions and formats on them, "
    "never call a score on them ImageNet accuracy"
)


def scores_json(scores: Sequence[Score]) -> str:
    """A list of objects, shares as fractions of 1."""
    return json.dumps([score.model_dump(mode="json") for score in scores], indent=1)


def score_table(scores: Sequence[Score]) -> Table:
    """One row a cell; the data set and the number of pictures stand in the title, and in the row where they differ."""
    data = ", ".join(dict.fromkeys(score.data for score in scores))
    planned = max((score.planned for score in scores), default=0)
    table = Table(
        title=f"top-1 and top-5 on {escape(data)}, {planned} pictures; intervals 95 % (Wilson)",
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    several = len({score.device for score in scores}) > 1
    for name in (*(["device"] if several else []), "network", "format", "prec."):
        table.add_column(name, overflow="fold")
    for name in ("n", "top-1", "interval", "top-5", "as float", "SQNR dB", "pict./s", "waits"):
        table.add_column(name, justify="right", no_wrap=True)
    for score in scores:
        table.add_row(
            *([escape(score.device)] if several else []),
            escape(score.network),
            score.format,
            score.precision,
            str(score.pictures) + ("" if score.complete else "!"),
            f"{score.top1:.1%}",
            f"{score.top1_low:.1%} - {score.top1_high:.1%}",
            f"{score.top5:.1%}",
            _optional(score.agreement, "{:.1%}"),
            _optional(score.sqnr_db, "{:.1f}"),
            _optional(score.pictures_per_s, "{:.0f}"),
            _optional(score.waiting_share, "{:.0%}"),
        )
    return table


def print_scores(scores: Sequence[Score], out: Console) -> None:
    """The table and what must be said beside it."""
    out.print(score_table(scores))
    if any(score.skipped for score in scores):
        out.print(f"{max(score.skipped for score in scores)} pictures could not be used and were skipped")
    if any(not score.complete for score in scores):
        out.print("!: not all pictures were predicted; `bench accuracy --resume` goes on")
    if any(score.data == PACKAGED for score in scores):
        out.print(NOT_IMAGENET)


def _optional(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
