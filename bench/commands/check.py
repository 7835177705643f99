"""`bench check`: did this get slower than its baseline? Yes, no, or not enough evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.gate import Budget
    from bench.options import Options
    from results.gate import GateReport, Limits


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    baseline: Annotated[Path, typer.Option(help="The file that `bench baseline save` made.")],
    device: Annotated[str, typer.Option(help="Where to measure: emulator, local, pixel ...")] = "emulator",
    models: Annotated[list[str] | None, typer.Option(help="The candidate; the baseline's networks by default.")] = None,
    run: Annotated[str | None, typer.Option(help="Check this finished run of an emulated board instead.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    weights: Annotated[str, typer.Option(help="default, torchvision, timm, or a weight file.")] = "default",
    seed: Annotated[int, typer.Option(help="Seed of the order and of the generated inputs.")] = 0,
    cell_limit: Annotated[float, typer.Option(help="Growth of a cell's instructions, percent.")] = 1.0,
    operator_limit: Annotated[float, typer.Option(help="Growth of an operator's instructions, percent.")] = 3.0,
    size_limit: Annotated[float, typer.Option(help="Growth of the file, percent.")] = 1.0,
    macs_limit: Annotated[float, typer.Option(help="Growth of the MACs, percent.")] = 0.1,
    bytes_limit: Annotated[float, typer.Option(help="Growth of the memory access cost, percent.")] = 1.0,
    time_limit: Annotated[float, typer.Option(help="Slowdown in time, percent.")] = 1.5,
    time_floor_ms: Annotated[float, typer.Option(help="Slowdown in time that never counts, ms.")] = 0.02,
    blocks: Annotated[int, typer.Option(min=2, help="Blocks of a time gate at first and for each look.")] = 8,
    max_blocks: Annotated[int, typer.Option(min=2, help="Blocks of a time gate at most.")] = 40,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a Markdown summary.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole report as JSON.")] = None,
) -> int:
    """Compare with a baseline.

    On the emulated board the instructions of each cell and operator are counted. On a real device the baseline's
    files are measured again, interleaved with the candidate's, and blocks are added while the answer is not clear.

    Exit codes: 0 PASS, 1 FAIL, 2 usage, 3 INCONCLUSIVE, 4 device.
    """
    from bench.gate import decide_run, exit_code, outputs
    from foundation.errors import UsageError
    from results.baseline import load
    from results.gate import Limits
    from results.store import open_run

    percents = (cell_limit, operator_limit, size_limit, macs_limit, bytes_limit, time_limit, time_floor_ms)
    if min(percents) < 0:
        raise UsageError("a limit is below zero")
    limits = Limits(
        cell=cell_limit / 100,
        operator=operator_limit / 100,
        size=size_limit / 100,
        macs=macs_limit / 100,
        bytes=bytes_limit / 100,
        time=time_limit / 100,
        time_floor_ms=time_floor_ms,
    )
    before = load(baseline)
    if run is not None:
        report = decide_run(before, open_run(out, run), limits)
    else:
        from bench.gate import Budget, options_of
        from bench.options import Options, listed

        given = Options(out=out, weights=weights, seed=seed)
        options = options_of(before, device, listed(models) or (), given)
        report = _measured(baseline, options, limits, Budget(blocks, max(blocks, max_blocks)))
    outputs((("junit", junit), ("markdown", markdown), ("json", json)), report)
    print_report(report)
    return exit_code(report)


def _measured(file: Path, options: Options, limits: Limits, budget: Budget) -> GateReport:
    import sys

    from bench import gate, session
    from bench.devices.resolve import resolve
    from bench.progress import export_progress, messages
    from bench.sources import gather
    from results.baseline import load

    console = messages()
    session.writable(options.out)
    clock = resolve(options.device[0]).clock
    with export_progress(console) as on_event:
        sources = gather(options, on_event)
    return gate.check(
        load(file),
        file,
        clock,
        options,
        sources,
        lambda asked, both: session.start(asked, both, sys.argv, console),
        limits,
        budget,
        lambda report, blocks: console.print(f"{blocks} blocks: {report.headline}"),
    )


def print_report(report: GateReport) -> None:
    """The headline first, then everything that is not a PASS."""
    print(report.headline)
    for finding in report.findings:
        if finding.decision != "PASS" and finding.message not in report.headline:
            print(f"{finding.decision}: {finding.message}")
