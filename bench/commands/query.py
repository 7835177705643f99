"""`bench query`: SQL over the tables of all finished runs; it reads them and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SHOWN = 100


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("query")(query)


def query(
    sql: Annotated[str, typer.Argument(help="One statement over cells, operators and samples.", show_default=False)],
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print all rows as a JSON list of objects.")] = False,
) -> None:
    """Ask all runs at once in SQL (DuckDB). Tables: cells, operators, samples."""
    from results.history import query as ask

    answer = ask(runs, sql, None if json else SHOWN)
    if json:
        import json as writer

        print(writer.dumps(answer.records(), indent=1, default=str))
        return
    from rich.markup import escape
    from rich.table import Table

    from bench.tables import console

    out = console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, kind in zip(answer.columns, answer.types, strict=True):
        table.add_column(escape(name), justify="left" if kind in ("VARCHAR", "BOOLEAN") else "right", overflow="fold")
    for row in answer.rows:
        table.add_row(*("-" if value is None else escape(str(value)) for value in row))
    out.print(table)
    if answer.more:
        out.print(f"the first {SHOWN} rows; --json prints all")
