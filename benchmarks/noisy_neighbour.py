"""One model beside 0, 1, 2 and 4 busy loops: what we say, and what the LiteRT wheel's own `litert-benchmark` says.

    python benchmarks/noisy_neighbour.py [--rounds 20] [--threads 1] [--out runs]

Each round visits every load in a fresh random order; at each, one trial of ours (a fresh agent with the settings of
`bench run`, not profiled) and one call of `litert-benchmark` on the same file, in turn. With fewer threads than cores
one more load keeps the agent and a loop to the same core: beside a loop on the other core nothing need be disturbed.

Bounds (mobilenet_v2, TFLite fp32): with 1 thread our latency beside 1 and 2 loops within 3 % of the quiet one; beside
4, no latency but CONTENDED; CONTENDED in >= 95 % of trials where loops and threads outnumber their cores, in <= 5 %
without a loop.
Evidence is kept in --out, a run for each load; `--from FOLDER ...` prints one table of what such folders hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import session
from bench.options import Options
from bench.plan import cells_of, job_settings
from bench.progress import messages
from bench.sources import gather
from bench.trial import Station
from device_agents.bundle import bundle
from results.derive import cell_evidence, cells
from results.statistics import Floats, Ratio, block_ratio
from results.store import Evidence, RunWriter, open_run
from results.verdicts import contended

BIN = Path(sys.executable).parent
SHARED_CORE = "0"
COLUMNS = (
    "loops",
    "latency",
    "95 %",
    "plain median",
    "CPU time",
    "litert-benchmark",
    "with latency",
    "CONTENDED",
    "stolen",
)


@dataclass(frozen=True)
class Load:
    """Busy loops beside the agent; `cores` keeps both to these cores."""

    name: str
    loops: int
    cores: str = "any"

    @property
    def run(self) -> str:
        """The id of the run that keeps its evidence."""
        return "beside-" + "-".join(re.findall(r"\w+", self.name))

    def crowded(self, threads: int) -> bool:
        """Whether loops and threads outnumber the cores that they share."""
        return self.loops > 0 and self.loops + threads > (os.cpu_count() or 1 if self.cores == "any" else 1)


QUIET = Load("0", 0)
LOADS = (QUIET, Load("1", 1), Load("2", 2), Load("4", 4))
SAME_CORE = Load("1, same core", 1, SHARED_CORE)


@contextmanager
def busy(load: Load) -> Iterator[None]:
    """The load's loops, processes that do nothing but count, for as long as the block lasts.

    Each has a session of its own, as the agent and litert-benchmark have: Linux shares its cores among sessions first
    (sched_autogroup), so that loops in one session would crowd each other and hardly the agent.
    """
    place = [] if load.cores == "any" else ["taskset", "-c", load.cores]
    command = [*place, sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(load.loops)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def their_average(file: str, threads: int, load: Load, folder: Path) -> float:
    """The average latency in ms that litert-benchmark prints for 50 runs after 10 warm-ups."""
    result = folder / "theirs.json"
    command: list[str | Path] = [] if load.cores == "any" else ["taskset", "-c", load.cores]
    command += [BIN / "litert-benchmark", "--model", file, "--num_threads", str(threads), "--num_runs", "50"]
    command += ["--warmup_runs", "10", "--result_json", result]
    subprocess.run(command, check=True, capture_output=True, start_new_session=True)
    return float(json.loads(result.read_text())["latency"]["avg_ms"])


def stolen() -> tuple[int, int]:
    """Ticks that the hypervisor took from this machine's cores so far, and all ticks."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[7], sum(ticks)


def measure(arguments: argparse.Namespace) -> None:
    """All rounds; a run for each load in the --out folder, and what else was seen in theirs.json beside it."""
    loads = [*LOADS, SAME_CORE] if arguments.threads == 1 else list(LOADS)
    options = Options(
        models=(arguments.model,),
        formats=("tflite",),
        precisions=("fp32",),
        threads=(arguments.threads,),
        trials=1,
        out=arguments.out / "first",
    )
    sources = gather(options)
    [made] = sources.exported
    first = session.start(options, sources, sys.argv, messages()).run
    order = random.Random(arguments.seed)
    beside: dict[str, dict[str, list[float]]] = {load.name: {"average_ms": [], "stolen": []} for load in loads}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        [device] = session.open_all(["local"], stack)
        settings = job_settings(device.clock, quick=False, samples_min=None, profile_runs=0)
        station = session.staged(Station(device, bundle(device.target), "", settings, arguments.seed))
        writers = {}
        for load in loads:
            [cell] = cells_of("local", [made.artifact], (arguments.threads,), load.cores)
            update = {
                "id": load.run,
                "blocks": arguments.rounds,
                "cells": (cell,),
                "order": ((cell.id,),) * arguments.rounds,
                "seed": arguments.seed,
            }
            writers[load.name] = stack.enter_context(RunWriter.create(arguments.out, first.model_copy(update=update)))
        for number in range(arguments.rounds):
            for load in order.sample(loads, len(loads)):
                [cell] = writers[load.name].run.cells
                with busy(load):
                    before = stolen()
                    writers[load.name].append(station.measure(cell, made.artifact, made.path, number))
                    after = stolen()
                    average = their_average(str(made.path), arguments.threads, load, place)
                beside[load.name]["average_ms"].append(average)
                beside[load.name]["stolen"].append((after[0] - before[0]) / max(1, after[1] - before[1]))
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
    (arguments.out / "theirs.json").write_text(json.dumps(beside) + "\n")


def report(folders: Sequence[Path]) -> list[str]:
    """Print the table; the bounds that were missed."""
    parts = [json.loads((folder / "theirs.json").read_text()) for folder in folders]
    beside = {
        load: {
            column: np.concatenate([part[load.name][column] for part in parts]) for column in ("average_ms", "stolen")
        }
        for load in (*LOADS, SAME_CORE)
        if load.name in parts[0]
    }
    found = {load: _pooled([open_run(folder, load.run) for folder in folders]) for load in beside}
    threads = found[QUIET].run.cells[0].threads
    head = f"{threads} thread(s), {os.cpu_count()} cores, {len(found[QUIET].trials)} trials each"
    print(f"{head}; ms, and change from quiet within each round\n")
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    missed = []
    quiet = _rounds(found[QUIET], beside[QUIET]["average_ms"])
    for load, evidence in found.items():
        [cell] = cell_evidence(evidence)
        figures = _rounds(evidence, beside[load]["average_ms"])
        ratios = [_ratio(before, after) for before, after in zip(quiet, figures, strict=True)]
        shown = [
            "-" if ratio is None else f"{np.nanmedian(figure):.2f} ({ratio.estimate - 1:+.1%})"
            for figure, ratio in zip(figures, ratios, strict=True)
        ]
        mine = ratios[0]
        shown.insert(1, "-" if mine is None or mine.low is None else f"{mine.low - 1:+.1%} to {mine.high - 1:+.1%}")
        told = f"{np.isfinite(figures[0]).sum()} of {len(cell.complete)}"
        share = float(np.mean([contended(replace(cell, readings=(one,))) is not None for one in cell.complete]))
        print(f"| {load.name} | {' | '.join(shown)} | {told} | {share:.0%} | {beside[load]['stolen'].mean():.1%} |")
        if threads == 1 and load.name in ("1", "2") and not (mine and abs(mine.estimate - 1) <= 0.03):
            missed.append(f"{load.name} loop(s): the latency is {shown[0]}")
        if (not load.loops and share > 0.05) or (load.crowded(threads) and share < 0.95):
            missed.append(f"CONTENDED in {share:.0%} of trials beside {load.name} loop(s)")
    return missed + _claimed(found)


def _rounds(evidence: Evidence, averages: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Latency, plain median, CPU time and their average in ms, round by round; not a number where there is none."""
    [cell] = cell_evidence(evidence)
    ours = np.full((3, len(averages)), np.nan)
    for reading in cell.complete:
        latency = reading.latency("nanoseconds")
        figures = (np.nan if latency is None else latency, np.median(reading.wall), np.median(reading.cpu))
        ours[:, reading.trial.block] = np.array(figures) * 1e-6
    return ours[0], ours[1], ours[2], averages


def _ratio(quiet: Floats, beside: Floats) -> Ratio | None:
    """Beside over quiet, within the rounds that have both."""
    both = np.isfinite(quiet) & np.isfinite(beside)
    return block_ratio(quiet[both].tolist(), beside[both].tolist()) if both.any() else None


def _pooled(runs: Sequence[Evidence]) -> Evidence:
    """The trials of runs of one load as the blocks of one run."""
    trials = [trial for run in runs for trial in run.trials]
    numbered = tuple(trial.model_copy(update={"block": block}) for block, trial in enumerate(trials))
    return replace(runs[0], trials=numbered)


def _claimed(found: dict[Load, Evidence]) -> list[str]:
    """Beside 4 loops no latency may be claimed."""
    [answer] = cells(found[LOADS[-1]])
    reasons = ", ".join(reason.code for reason in answer.reasons)
    print(f"\nthe cell beside {LOADS[-1].name} loops: latency {answer.latency}, {answer.verdict}: {reasons}")
    return [] if answer.latency is None else [f"a latency is claimed beside {LOADS[-1].name} loops"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mobilenet_v2", help="a network or a .tflite file")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="a new folder for the evidence")
    parser.add_argument("--from", dest="sources", type=Path, nargs="+", help="only print the table of these folders")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        if arguments.sources is None:
            arguments.out = arguments.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            measure(arguments)
        if missed := report(arguments.sources or [arguments.out]):
            sys.exit("; ".join(missed))


if __name__ == "__main__":
    main()
