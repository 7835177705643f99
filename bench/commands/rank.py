"""`bench rank`: MnasNet's reward over a run's cells, with the probability of being first and on the Pareto front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.ranking import Ranking


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rank")(rank)


def rank(
    run: Annotated[str, typer.Argument(help="Path, id, unique prefix of one, or latest.")] = "latest",
    target_ms: Annotated[float | None, typer.Option(help="Latency to aim at, in ms.")] = None,
    target_instructions: Annotated[float | None, typer.Option(help="The same for a board that counts them.")] = None,
    preset: Annotated[str, typer.Option(help="hard: alpha 0, beta -1. soft: both -0.07.")] = "soft",
    alpha: Annotated[float | None, typer.Option(help="Exponent up to the target.")] = None,
    beta: Annotated[float | None, typer.Option(help="Exponent beyond the target.")] = None,
    formats: Annotated[list[str] | None, typer.Option(help="onnx, tflite.")] = None,
    precisions: Annotated[list[str] | None, typer.Option(help="fp32, fp16, int8.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    draws: Annotated[int, typer.Option(min=100, max=1_000_000, help="Draws behind each probability.")] = 20_000,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print the rankings as JSON.")] = False,
) -> None:
    """Rank by top-1 x (latency / target)^w (MnasNet), and say how sure each place is."""
    import json as writer

    from bench.options import listed
    from foundation.errors import UsageError
    from results.derive import cells
    from results.ranking import candidates_of, weights_of
    from results.ranking import rank as ranked
    from results.store import open_run

    if target_ms is None and target_instructions is None:
        raise UsageError("a target is needed", hint="for example: bench rank latest --target-ms 20")
    below, beyond = weights_of(preset, alpha, beta)
    evidence = open_run(runs, run)
    wanted_formats, wanted_precisions = listed(formats), listed(precisions)
    results = [
        cell
        for cell in cells(evidence)
        if (not wanted_formats or cell.format in wanted_formats)
        and (not wanted_precisions or cell.precision in wanted_precisions)
    ]
    groups, left_out = candidates_of(results)
    targets = {"ms": target_ms, "instructions": target_instructions}
    rankings: list[Ranking] = []
    for group in groups:
        target = targets[group[0].latency.unit]
        if target is None:
            left_out |= {one.cell.id: f"counts {one.latency.unit}, and no target was given for it" for one in group}
        else:
            rankings.append(ranked(group, target, below, beyond, seed=seed, draws=draws))
    if not rankings:
        reasons = sorted(set(left_out.values())) or ["no cell fits these options"]
        raise UsageError(f"nothing in run {evidence.run.id} can be ranked", hint="; ".join(reasons[:4]))
    if json:
        record = {
            "run": evidence.run.id,
            "quick": evidence.run.quick,
            "rankings": [one.model_dump(mode="json") for one in rankings],
            "left_out": left_out,
        }
        print(writer.dumps(record, indent=1))
    else:
        _print(rankings, left_out, any(cell.weights == "random" for cell in results))


def _print(rankings: list[Ranking], left_out: dict[str, str], random_weights: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    from bench.tables import STYLES, console, figure

    out = console()
    for ranking in rankings:
        unit = "ms" if ranking.unit == "ms" else "M instructions"
        aim = figure(ranking.target, ranking.unit)
        on = "published top-1" if ranking.accuracy == "published" else f"top-1 on {escape(ranking.accuracy)}"
        where = f"{escape(ranking.device)}, threads {ranking.threads}, cores {escape(ranking.cores)}"
        title = f"{where}: {on} x (latency / {aim} {unit})^w, w = {ranking.alpha:g} up to it, {ranking.beta:g} beyond"
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("", unit, "top-1", "reward", "P(first)", "front", "P(front)"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("verdict")
        table.columns[0].justify = "left"
        table.columns[0].no_wrap = False
        for one in ranking.ranked:
            style = STYLES[one.verdict]
            table.add_row(
                f"{one.rank}. {escape(one.network)} {one.format} {one.precision}",
                figure(one.latency, ranking.unit),
                f"{100 * one.top1:.1f}",
                f"{one.reward:.4f}",
                probability(one.probability_first),
                "yes" if one.on_front else "",
                probability(one.probability_on_front),
                f"[{style}]{one.verdict}[/{style}]",
            )
        out.print(table)
        if any(one.probability_first is None for one in ranking.ranked):
            out.print("probabilities need an interval of every cell: measure at least 2 trials")
    published = any(ranking.accuracy == "published" for ranking in rankings)
    if published:
        out.print("a published top-1 is the float network's; int8 may score less: measure it with --accuracy")
    if published and random_weights:
        out.print("some networks were measured with random weights: their latency holds, their top-1 is the paper's")
    for cell, reason in left_out.items():
        out.print(f"left out: {escape(cell)}: {escape(reason)}")


def probability(value: float | None) -> str:
    """Percent without false precision at the ends: 20,000 draws cannot tell 99.99 % from 1."""
    if value is None:
        return "-"
    if 0 < value < 0.001:
        return "<0.1 %"
    if 0.999 < value < 1:
        return ">99.9 %"
    return f"{100 * value:.1f} %"
