"""`bench run`: export, measure, keep the evidence, show the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    device: Annotated[
        list[str] | None, typer.Option(help="local, emulator, pixel, rpi, adb:SERIAL, ssh:USER@HOST ...")
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option(help="Names, families, globs, all; or .onnx and .tflite files.")
    ] = None,
    formats: Annotated[list[str] | None, typer.Option(help="onnx, tflite.")] = None,
    precisions: Annotated[list[str] | None, typer.Option(help="fp32, fp16, int8.")] = None,
    threads: Annotated[list[str] | None, typer.Option(help="Thread counts, such as 1,2.")] = None,
    cores: Annotated[str | None, typer.Option(help="any, big, little, all, or a list such as 4-7.")] = None,
    trials: Annotated[int | None, typer.Option(help="Trials a cell (5; 2 on a deterministic clock).")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One block of short trials; results say so.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the order and of the generated inputs.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of runs.")] = None,
    weights: Annotated[str | None, typer.Option(help="default, torchvision, timm, or a weight file.")] = None,
    input_shape: Annotated[list[str] | None, typer.Option(help="NAME=1,3,224,224 for a dynamic input.")] = None,
    waive: Annotated[list[str] | None, typer.Option(help="Verdict codes that shall not count.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Exports side by side.")] = None,
    samples_min: Annotated[int | None, typer.Option(help="Samples a trial at least.")] = None,
    profile_runs: Annotated[int | None, typer.Option(help="Profiled inferences a trial.")] = None,
    accuracy: Annotated[
        str | None, typer.Option(help="Then predict these on the device: a folder, a CSV, or pictures.")
    ] = None,
    pace: Annotated[
        str | None, typer.Option(help="Wait for a cool, idle device before each trial: auto, on, off.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Refuse a device that another process holds.")] = False,
    plan: Annotated[Path | None, typer.Option(help="TOML file with these options; the command line wins.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with a run: its id, or latest.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and an estimate of its time.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Export networks, measure them on devices, keep every sample.

    Exit codes: 0 done; 1 done, but a cell is INCOMPLETE; 2 usage; 4 device; 5 model; 6 storage; 7 export;
    130 interrupted.
    """
    from bench.options import listed, load_plan, merged

    given = {
        "device": listed(device),
        "models": listed(models),
        "formats": listed(formats),
        "precisions": listed(precisions),
        "threads": listed(threads),
        "cores": cores,
        "trials": trials,
        "quick": quick or None,
        "seed": seed,
        "out": out,
        "weights": weights,
        "input_shape": tuple(input_shape) if input_shape else None,
        "waive": listed(waive),
        "jobs": jobs,
        "samples_min": samples_min,
        "profile_runs": profile_runs,
        "accuracy": accuracy,
        "pace": pace,
        "wait": False if no_wait else None,
    }
    options = merged(load_plan(plan) if plan else {}, {key: value for key, value in given.items() if value is not None})
    from bench.run import dry, perform

    return dry(options, json) if dry_run else perform(options, resume, json)
