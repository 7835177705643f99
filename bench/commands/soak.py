"""`bench soak`: keep one cell running, and see at which minute its latency is no longer the first minute's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.sustained import Course


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("soak")(soak)


def soak(
    models: Annotated[str, typer.Option(help="One network, or one .onnx or .tflite file.")],
    minutes: Annotated[int, typer.Option(min=2, help="How long.")] = 10,
    device: Annotated[str, typer.Option(help="local, pixel, rpi, adb:SERIAL, ssh:USER@HOST ...")] = "local",
    format: Annotated[str, typer.Option(help="onnx or tflite.")] = "tflite",
    precision: Annotated[str, typer.Option(help="fp32, fp16 or int8.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
    cores: Annotated[str | None, typer.Option(help="any, big, little, all, or a list such as 4-7.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print the minutes as JSON.")] = False,
) -> int:
    """Measure one cell again and again for minutes: per-minute medians with temperature and frequency.

    The evidence is a run like any other: `bench plot sustained` draws it, `bench run --resume` goes on with it.
    """
    from bench.options import merged
    from bench.soak import sustain

    given: dict[str, object] = {
        "device": (device,),
        "models": (models,),
        "formats": (format,),
        "precisions": (precision,),
        "threads": (threads,),
        "cores": cores,
        "out": out,
        "pace": "off",  # waiting for a cool device would hide what is asked here
    }
    course, folder = sustain(merged({}, given), minutes)
    if json:
        print(course.to_json(indent=1))
    else:
        print_course(course)
        print(f"evidence: {folder}")
    return 0


def print_course(course: Course) -> None:
    """A line a minute, then the answer."""
    from rich.table import Table

    from bench.tables import console

    table = Table(box=None, pad_edge=False)
    for name in ("minute", "trials", "median", "95 % interval", "°C", "GHz"):
        table.add_column(name, justify="right")
    for one in course.minutes:
        interval = f"{one.low:.3f} .. {one.high:.3f}" if one.low is not None and one.high is not None else "-"
        heat = "-" if one.celsius is None else f"{one.celsius:.0f}"
        speed = "-" if one.gigahertz is None else f"{one.gigahertz:.2f}"
        middle = "-" if one.median is None else f"{one.median:.3f}"
        table.add_row(str(one.minute), str(one.trials), middle, interval, heat, speed)
    console().print(table)
    if not course.comparable:
        print("no two minutes can be compared: too few trials were undisturbed; try again on a quieter device")
    elif course.left_at is None:
        print(f"latency stayed within what the first minute showed ({course.comparable} minutes compared)")
    else:
        print(f"from minute {course.left_at} latency is outside the first minute's interval")
