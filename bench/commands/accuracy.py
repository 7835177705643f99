"""`bench accuracy`: top-1 and top-5 of the very files that are timed, predicted on the device itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("accuracy")(accuracy)


def accuracy(
    device: Annotated[list[str] | None, typer.Option(help="local, emulator, pixel, rpi, adb:SERIAL ...")] = None,
    models: Annotated[list[str] | None, typer.Option(help="Names, families, globs.")] = None,
    data: Annotated[
        str, typer.Option(help="A folder of class folders, a CSV of path and class, or pictures.")
    ] = "pictures",
    pictures: Annotated[int | None, typer.Option(min=1, help="A random sample of so many (all).")] = None,
    formats: Annotated[list[str] | None, typer.Option(help="onnx, tflite.")] = None,
    precisions: Annotated[list[str] | None, typer.Option(help="fp32, fp16, int8.")] = None,
    threads: Annotated[list[str] | None, typer.Option(help="Thread counts, such as 1,2.")] = None,
    cores: Annotated[str | None, typer.Option(help="any, big, little, all, or a list such as 4-7.")] = None,
    weights: Annotated[str | None, typer.Option(help="default, torchvision, timm, or a weight file.")] = None,
    compared: Annotated[int, typer.Option(min=0, help="Pictures compared with the float network.")] = 1000,
    out: Annotated[Path | None, typer.Option(help="Folder of runs.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Exports side by side.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with an evaluation: its id, or latest.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> int:
    """Evaluate networks on the device that they are timed on: top-1, top-5, agreement with the float network.

    Exit codes: 0 done; 1 done, but a cell is incomplete; 2 usage; 4 device; 5 model; 6 storage; 7 export; 130
    interrupted.
    """
    import sys

    from bench.accuracy import plan
    from bench.accuracy.report import print_scores, scores_json
    from bench.options import listed, merged
    from bench.progress import export_progress, messages
    from bench.session import writable
    from bench.sources import gather
    from bench.tables import console as tables
    from exporters.datasets import load
    from foundation.errors import Exit
    from results.accuracy import scores

    given = {
        "device": listed(device),
        "models": listed(models),
        "formats": listed(formats),
        "precisions": listed(precisions),
        "threads": listed(threads),
        "cores": cores,
        "weights": weights,
        "out": out,
        "jobs": jobs,
    }
    options = merged({}, {key: value for key, value in given.items() if value is not None})
    messages_to = messages()
    writable(options.out)
    if resume is not None:
        evidence, failed = plan.resume(options, resume, messages_to)
    else:
        chosen = load(data, pictures)
        with export_progress(messages_to) as on_event:
            sources = gather(options, on_event)
        for one in sources.failed:
            messages_to.print(f"error: {one.message}", style="red")
        if not sources.exported:
            return Exit.EXPORT
        evidence, failed = plan.begin(options, sources, chosen, data, compared, sys.argv, messages_to)
        failed += [str(one.request) for one in sources.failed]
    found = scores(evidence)
    if json:
        print(scores_json(found))
    else:
        print_scores(found, tables())
    return Exit.REGRESSION if failed else Exit.OK
