"""How often the 95 % interval of a cell's latency holds the truth, and how wide it is: a simulation.

    python benchmarks/interval_coverage.py

The truth is known: latency 10 ms; the trial, a fresh process, moves it by a normal effect on the logarithm, and
samples vary around the trial's own level. Three kinds of noise: `normal`; `bursts` (5 % of samples in runs of five,
30 % longer); `drift` (each trial rises or falls by up to 4 %, another for each). Three methods: Student's t on the
logarithms of trial medians (ours), a hierarchical bootstrap, and the usual interval over all samples as if they were
independent. Bound: 93-97 % over 2,000 runs for 3, 5, 7 and 10 trials (DESIGN.md section 6).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.statistics import Floats, hierarchical_bootstrap, log_t_interval

TRUTH = 10.0


def simulate(
    random: np.random.Generator, kind: str, runs: int, trials: int, samples: int, effect: float, noise: float
) -> Floats:
    """Latencies of shape (runs, trials, samples) in ms."""
    logs = random.normal(0, effect, (runs, trials, 1)) + random.normal(0, noise, (runs, trials, samples))
    if kind == "bursts":
        starts = random.random((runs, trials, samples)) < 0.01
        bursts = starts.copy()
        for later in range(1, 5):
            bursts[..., later:] |= starts[..., :-later]
        logs += np.log(1.3) * bursts
    if kind == "drift":
        logs += random.uniform(-0.04, 0.04, (runs, trials, 1)) * np.linspace(-0.5, 0.5, samples)
    return np.asarray(TRUTH * np.exp(logs))


def naive(latencies: Floats) -> tuple[Floats, Floats]:
    """Mean of all samples +- 1.96 standard errors, as many tools print it."""
    flat = latencies.reshape(len(latencies), -1)
    reach = 1.96 * flat.std(axis=1, ddof=1) / np.sqrt(flat.shape[1])
    return flat.mean(axis=1) - reach, flat.mean(axis=1) + reach


def bootstrapped(latencies: Floats, seed: int) -> tuple[Floats, Floats]:
    ends = np.array([hierarchical_bootstrap(run, seed + number, 400) for number, run in enumerate(latencies)])
    return ends[:, 0], ends[:, 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--bootstrap-runs", type=int, default=300, help="the bootstrap is slow")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--effect", type=float, default=0.02, help="standard deviation of the trial's effect")
    parser.add_argument("--noise", type=float, default=0.05, help="standard deviation of a sample's noise")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| noise | trials | ours: coverage | width | bootstrap | width | all samples | width |")
    print("|---|---|---|---|---|---|---|---|")
    outside = []
    for kind in ("normal", "bursts", "drift"):
        for trials in (3, 5, 7, 10):
            random = np.random.default_rng([arguments.seed, trials, len(kind)])
            sizes = (arguments.runs, trials, arguments.samples, arguments.effect, arguments.noise)
            made = simulate(random, kind, *sizes)
            # what a trial's median tends to: bursts shift every trial's median alike, so the truth moves with them
            truth = TRUTH * float(np.exp(np.log(np.median(made, axis=2) / TRUTH).mean())) if kind == "bursts" else TRUTH
            cells = [kind, str(trials)]
            few = made[: arguments.bootstrap_runs]
            for number, (low, high) in enumerate(
                (log_t_interval(np.median(made, axis=2)), bootstrapped(few, arguments.seed), naive(made))
            ):
                covered = float(np.mean((low <= truth) & (truth <= high)))
                cells += [f"{covered:.1%}", f"{float(np.median((high - low) / truth)):.1%}"]
                if number == 0 and not 0.93 <= covered <= 0.97:
                    outside.append(f"{kind}, {trials} trials: {covered:.1%}")
            print("| " + " | ".join(cells) + " |", flush=True)
    if outside:
        sys.exit("outside 93-97 %: " + "; ".join(outside))


if __name__ == "__main__":
    main()
