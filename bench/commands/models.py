"""`bench models`: which networks there are, what they cost, and what was published about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from exporters.catalog import CatalogEntry


def register(app: typer.Typer) -> None:
    """Add the command to `bench`."""
    app.command("models")(models)


def models(
    selection: Annotated[
        list[str] | None,
        typer.Argument(help="Names, families, globs, all, baselines, everything, torchvision:NAME, timm:NAME."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List networks with their parameters, multiply-accumulates and published figures."""
    import json

    from bench.options import listed
    from bench.tables import console
    from exporters.catalog import catalog

    entries = catalog(listed(selection) or ("all",))
    if as_json:
        typer.echo(json.dumps([_figures(entry) for entry in entries], indent=1))
        return
    out = console()
    out.print(table_of(entries))
    out.print("published: what papers and reference implementations state; their sources: bench models --json")
    if any(entry.weights.kind == "random" for entry in entries):
        out.print("random weights: latency does not depend on them, accuracy would; top-1 is never of these")


def _figures(entry: CatalogEntry) -> dict[str, object]:
    return entry.model_dump(
        mode="json", include={"name", "family", "input_size", "params", "macs", "weights", "published"}
    )


def table_of(entries: list[CatalogEntry]) -> Table:
    """One row a network, families together and named above their rows; 100 columns wide at most."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("network", no_wrap=True)
    for name in ("input", "params", "M MACs"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("published:\nparams", "\nM MACs", "\ntop-1 %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("weights", overflow="fold")
    families = dict.fromkeys(entry.family for entry in entries)
    for family in families:
        table.add_row(f"[bold]{family}[/bold]")
        for entry in entries:
            if entry.family == family:
                table.add_row(*_row(entry))
    return table


def _row(entry: CatalogEntry) -> list[str]:
    from rich.markup import escape

    published = entry.published
    return [
        f"  {escape(entry.name)}",
        str(entry.input_size),
        f"{entry.params:,}",
        f"{entry.macs / 1e6:,.1f}",
        f"{published.params:,}" if published and published.params else "-",
        f"{published.macs / 1e6:,.0f}" if published and published.macs else "-",
        f"{published.top1:.1f}" if published and published.top1 else "-",
        entry.weights.kind,
    ]
