"""`bench describe`: a network layer by layer, before anything is measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from exporters.layers import Layer, Layers


def register(app: typer.Typer) -> None:
    """Add the command to `bench`."""
    app.command("describe")(describe)


def describe(
    network: Annotated[str, typer.Argument(help="A network's name, with variants such as mobilenet_v2_w0.5_r192.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    chart: Annotated[
        Path | None, typer.Option("--chart", help="Draw MACs and bytes by depth into this .png or .svg file.")
    ] = None,
) -> None:
    """Show a network's layers: shapes, parameters, MACs, memory access cost and receptive field."""
    import json
    from dataclasses import asdict

    from bench.layer_chart import check_chart, draw_layers
    from bench.tables import console
    from exporters.catalog import require_torch

    if chart is not None:
        check_chart(chart)
    require_torch()
    from exporters.layers import layers_of
    from exporters.networks.registry import resolve

    layers = layers_of(resolve(network))
    if as_json:
        totals = {"params": layers.params, "macs": layers.macs, "memory_access_bytes": layers.memory_access_bytes}
        typer.echo(json.dumps({**asdict(layers), **totals}, indent=1))
    else:
        out = console()
        out.print(table_of(layers))
        out.print(
            f"{layers.network}: {layers.params:,} parameters, {layers.macs / 1e6:,.1f} M MACs, "
            f"{layers.memory_access_bytes / 1e6:,.1f} MB memory access cost in float32"
        )
        out.print("receptive field and jump in pixels of the input, along the filtered path")
    if chart is not None:
        draw_layers(layers, chart)
        typer.echo(f"chart: {chart}", err=as_json)


def table_of(layers: Layers) -> Table:
    """One row a layer; 100 columns wide at most."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("#", justify="right")
    table.add_column("layer", overflow="fold")
    table.add_column("type", overflow="fold")
    for name in ("output", "kernel", "groups", "params", "M MACs", "kB", "field", "jump"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in layers.layers:
        table.add_row(*_row(layer))
    return table


def _row(layer: Layer) -> list[str]:
    kernel = "x".join(map(str, layer.kernel))
    stride = max(layer.stride, default=1)
    return [
        str(layer.order),
        layer.name,
        layer.type.replace("Convolution", "Conv"),
        "x".join(map(str, layer.output_shape[1:])),
        f"{kernel}/{stride}" if stride > 1 else kernel,
        str(layer.groups) if layer.groups > 1 else "",
        f"{layer.params:,}" if layer.params else "",
        f"{layer.macs / 1e6:,.2f}" if layer.macs else "",
        f"{layer.memory_access_bytes / 1e3:,.0f}",
        "" if layer.receptive_field is None else str(layer.receptive_field),
        "" if layer.jump is None else str(layer.jump),
    ]
