"""`bench plot`: charts of runs, as PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plot")(plot)


def plot(
    names: Annotated[list[str] | None, typer.Argument(help="[KIND] [RUN...]: a chart's kind, then runs.")] = None,
    network: Annotated[str | None, typer.Option(help="Only this network; some kinds need it.")] = None,
    format: Annotated[str | None, typer.Option(help="onnx, tflite.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, fp16, int8.")] = None,
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    threads: Annotated[int | None, typer.Option(help="Only this thread count.")] = None,
    theme: Annotated[str, typer.Option(help="light or dark.")] = "light",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder or file name; the first run's folder.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    list_kinds: Annotated[bool, typer.Option("--list", help="Print the kinds of charts.")] = False,
) -> None:
    """Draw a chart of one or more runs: latency against top-1 unless another kind is named.

    Each clock gets its own chart: milliseconds and instructions never share an axis.
    """
    from foundation.errors import UsageError
    from results.charts.kinds import DEFAULT, KINDS, Request, Source, by_unit, kind
    from results.charts.style import save, styled, theme_of
    from results.derive import cells
    from results.store import open_run

    if list_kinds:
        print("\n".join(KINDS))
        return
    ground = theme_of(theme)
    words = list(names or [])
    chosen = words.pop(0) if words and words[0] in KINDS else DEFAULT
    sources = []
    for ref in words or ["latest"]:
        try:
            evidence = open_run(runs, ref)
        except UsageError as error:
            raise UsageError(error.message, hint=f"{error.hint}; kinds of charts are {', '.join(KINDS)}") from error
        sources.append(Source(evidence, tuple(cells(evidence))))
    module = kind(chosen)
    folder = sources[0].evidence.folder or Path()
    stem = folder / chosen if out is None else out / chosen if out.is_dir() else out.with_suffix("")
    parted = by_unit(sources)
    if not parted:
        raise UsageError("nothing to draw: the runs have no cell")
    requests = [Request(mine, unit, network, format, precision, device, threads) for unit, mine in parted]
    for request in [one for one in requests if one.results] or requests[:1]:
        unit = request.unit
        named = stem if unit == "ms" else stem.with_name(f"{stem.name}-instructions")
        with styled(ground):
            paths = save(module.draw(module.data(request)), named)
        for path in paths:
            print(path)
