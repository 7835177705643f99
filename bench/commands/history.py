"""`bench history`: how a network's cells went over all finished runs, with versions, a sparkline and a chart."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.history import HistoryPoint

SHOWN = 100  # of a cell's runs


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("history")(history)


def history(
    network: Annotated[str, typer.Argument(help="A network's name.", show_default=False)],
    format: Annotated[str | None, typer.Option(help="onnx or tflite.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, fp16 or int8.")] = None,
    device: Annotated[str | None, typer.Option(help="A device's name.")] = None,
    threads: Annotated[int | None, typer.Option(help="A thread count.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Draw the chart: NAME.png and NAME.svg.")] = None,
    theme: Annotated[str, typer.Option(help="Of the chart: light or dark.")] = "light",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print the points as a JSON list.")] = False,
) -> None:
    """Show a network's latency over all runs of a folder, oldest first."""
    from results.history import trend

    points = trend(runs, network, format=format, precision=precision, device=device, threads=threads)
    if out is not None:
        for path in _draw(points, out, theme):
            print(path, file=sys.stderr if json else sys.stdout)
    if json:
        import json as writer
        from dataclasses import asdict

        print(writer.dumps([asdict(point) for point in points], indent=1))
        return
    _print(points)


def _draw(points: list[HistoryPoint], out: Path, theme: str) -> list[Path]:
    from results.charts import history as chart
    from results.charts.style import save, styled, theme_of

    with styled(theme_of(theme)):
        return save(chart.draw(chart.data(points)), out.with_suffix("") if out.suffix in (".png", ".svg") else out)


def _print(points: list[HistoryPoint]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from bench.tables import STYLES, console, ends_text, figure
    from results.history import by_series, sparkline

    screen = console()
    for whole in by_series(points).values():
        line = whole[-SHOWN:]
        first = line[0]
        unit = first.unit
        name = f"{first.network} {first.format} {first.precision} on {first.device}, threads {first.threads}"
        spark = sparkline([point.latency for point in line])
        title = f"{escape(name)}, cores {escape(first.cores)}   {spark}"
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for column in ("run", "pocketbench", "runtime", "file"):
            table.add_column(column, overflow="fold")
        for column in ("ms" if unit == "ms" else "M instructions", "95 % interval" if unit == "ms" else "range"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("verdict", overflow="fold")
        for point in line:
            style = STYLES[point.verdict]
            table.add_row(
                escape(point.run),
                escape(point.pocketbench + (f" {point.commit[:8]}" if point.commit else "")),
                escape(point.runtime or "-"),
                point.sha256[:8],
                "-" if point.latency is None else figure(point.latency, unit),
                ends_text(point.low, point.high, unit),
                f"[{style}]{point.verdict} {escape(point.reasons.replace(',', ' '))}[/{style}]",
            )
        screen.print(table)
        if len(whole) > SHOWN:
            screen.print(f"the newest {SHOWN} of {len(whole)} runs; --json prints all, -o draws all")
