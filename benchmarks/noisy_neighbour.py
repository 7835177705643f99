"""One model beside 0, 1, 2 and 4 busy loops: what we say, and what the LiteRT wheel's own `litert-benchmark` says.

    python benchmarks/noisy_neighbour.py [--rounds 20] [--threads 1]

Each round visits every number of loops in a fresh random order; at each, one trial of ours (`bench run --trials 1`) and
one call of `litert-benchmark` on the same file, in turn. Bounds (2 cores, mobilenet_v2, TFLite fp32, 1 thread): our
latency beside 1 and 2 loops within 3 % of the quiet one; beside 4, no latency but CONTENDED; CONTENDED in >= 95 % of
trials beside a loop for each core, in <= 5 % without.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.derive import cells
from results.reading import read
from results.store import Evidence, open_run

BIN = Path(sys.executable).parent
LOOPS = (0, 1, 2, 4)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but count, for as long as the block lasts."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def our_trial(model: str, threads: int, folder: Path, seed: int) -> Evidence:
    """One run of one trial, as evidence."""
    command = [BIN / "bench", "run", "--device", "local", "--models", model, "--trials", "1", "--seed", str(seed)]
    command += ["--formats", "tflite", "--precisions", "fp32", "--threads", str(threads), "--profile-runs", "0"]
    subprocess.run([*command, "--out", folder], check=True, capture_output=True)
    return open_run(folder, "latest")


def their_average(file: str, threads: int, folder: Path) -> float:
    """The average latency in ms that litert-benchmark prints for 50 runs after 10 warm-ups."""
    result = folder / "theirs.json"
    command = [BIN / "litert-benchmark", "--model", file, "--num_threads", str(threads), "--num_runs", "50"]
    subprocess.run([*command, "--warmup_runs", "10", "--result_json", result], check=True, capture_output=True)
    return float(json.loads(result.read_text())["latency"]["avg_ms"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mobilenet_v2", help="a network or a .tflite file")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    order = random.Random(arguments.seed)
    ours: dict[int, list[Evidence]] = {count: [] for count in LOOPS}
    theirs: dict[int, list[float]] = {count: [] for count in LOOPS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = next(iter(our_trial(arguments.model, arguments.threads, folder / "first", 0).run.files.values()))
        for number in range(arguments.rounds):
            for count in order.sample(LOOPS, len(LOOPS)):
                with busy(count):
                    there = folder / f"{count}-{number}"
                    ours[count].append(our_trial(arguments.model, arguments.threads, there, number))
                    theirs[count].append(their_average(file, arguments.threads, folder))
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
    report(ours, theirs, arguments.threads)


def report(ours: dict[int, list[Evidence]], theirs: dict[int, list[float]], threads: int) -> None:
    """The table, then the bounds that were missed."""
    print(f"{threads} thread(s), {os.cpu_count()} cores, {len(ours[0])} trials each; ms, and change from 0 loops\n")
    print("| loops | latency | plain median | CPU time | litert-benchmark | trials with latency | CONTENDED |")
    print("|---|---|---|---|---|---|---|")
    quiet: list[float] = []
    missed = []
    for count in LOOPS:
        readings = [read(trial) for evidence in ours[count] for trial in evidence.trials]
        told = [value for reading in readings if (value := reading.latency("nanoseconds")) is not None]
        contended = [_contended(evidence) for evidence in ours[count]]
        figures = [
            float(np.median(told)) * 1e-6 if told else float("nan"),
            float(np.median([np.median(reading.wall) for reading in readings])) * 1e-6,
            float(np.median([np.median(reading.cpu) for reading in readings])) * 1e-6,
            float(np.median(theirs[count])),
        ]
        quiet = quiet or figures
        shown = [f"{figure:.2f} ({figure / first - 1:+.1%})" for figure, first in zip(figures, quiet, strict=True)]
        share = sum(contended) / len(contended)
        print(f"| {count} | {' | '.join(shown)} | {len(told)} of {len(readings)} | {share:.0%} |")
        if count in (1, 2) and not abs(figures[0] / quiet[0] - 1) <= 0.03:
            missed.append(f"{count} loops move the latency by {figures[0] / quiet[0] - 1:+.1%}")
        if (count == 0 and share > 0.05) or (count >= 2 and share < 0.95):
            missed.append(f"CONTENDED in {share:.0%} of trials beside {count} loops")
    whole = _pooled(ours[4])
    answer = cells(whole)[0]
    print(f"\nbeside 4 loops a cell of {len(ours[4])} trials has latency {answer.latency}, {answer.verdict}")
    if answer.latency is not None:
        missed.append("a latency is claimed beside 4 loops")
    if missed:
        sys.exit("; ".join(missed))


def _contended(evidence: Evidence) -> bool:
    return any(reason.code == "CONTENDED" for reason in cells(evidence)[0].reasons)


def _pooled(found: list[Evidence]) -> Evidence:
    """The one-trial runs as the blocks of one run."""
    trials = [
        trial.model_copy(update={"block": block}) for block, evidence in enumerate(found) for trial in evidence.trials
    ]
    return replace(found[0], trials=tuple(trials))


if __name__ == "__main__":
    main()
