"""Which statistic of a trial the time gate should compare, and how often the gate is right, from recorded evidence.

    bench run --device local --models mobilenet_v2 --formats tflite --precisions fp32 --trials 120 --profile-runs 0
    python benchmarks/gate_power.py runs/RUN

1. Every statistic (median, p10 and minimum of undisturbed samples, median CPU time): how much it varies over fresh
   processes of one model and within a pair of them, and the blocks that a 5 % slowdown then needs.
2. A/A: 300 checks of a model against itself (bound: <= 1 % false alarms by the statistic that the gate uses). The
   recorded trials are cut into pairs that were measured one after the other, as the gate measures its two sides;
   blocks are pairs drawn with replacement, each in a random order.
3. Power on quiet-phone noise: a 3 % slowdown within the default budget (bound: >= 95 %).

The gate itself is `results.statistics.decide` over `block_ratio`, looked at after 8, 16, ... 40 blocks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.derive import cell_evidence
from results.gate import Limits
from results.reading import Reading
from results.statistics import Decision, Floats, block_ratio, decide
from results.store import open_run

LOOKS = (8, 16, 24, 32, 40)
LIMITS = Limits()
STATISTICS: dict[str, Callable[[Reading], float]] = {
    "median": lambda reading: float(np.median(reading.undisturbed)),
    "p10": lambda reading: float(np.quantile(reading.undisturbed, 0.1)),
    "minimum": lambda reading: float(reading.ordered[0]),
    "CPU median": lambda reading: float(np.median(reading.cpu)),
}


CHOSEN = "minimum"  # results.reading.Reading.fastest, what the gate compares


def answer(a: Floats, b: Floats, limits: Limits = LIMITS) -> tuple[Decision, int]:
    """The gate's decision over growing numbers of blocks (figures in ms), and the blocks it took."""
    decision: Decision = "INCONCLUSIVE"
    for blocks in LOOKS:
        ratio = block_ratio(a[:blocks].tolist(), b[:blocks].tolist())
        decision = decide(ratio, float(np.median(a[:blocks])), limits.time, limits.time_floor_ms)
        if decision != "INCONCLUSIVE":
            return decision, blocks
    return decision, LOOKS[-1]


def simulated(random: np.random.Generator, pairs: Floats, slowdown: float, checks: int) -> list[tuple[Decision, int]]:
    """Checks of a model against itself made slower: blocks drawn with replacement from pairs (n, 2) of trials."""
    drawn = random.permuted(random.choice(pairs, (checks, LOOKS[-1])), axis=2)
    return [answer(blocks[:, 0], blocks[:, 1] * slowdown) for blocks in drawn]


def summary(answers: list[tuple[Decision, int]]) -> tuple[float, float, str]:
    """Shares of FAIL and INCONCLUSIVE, and the blocks it took: half of the checks, 95 % of them."""
    decisions = [decision for decision, _ in answers]
    share = [decisions.count(name) / len(decisions) for name in ("FAIL", "INCONCLUSIVE")]
    half, most = np.quantile([blocks for _, blocks in answers], (0.5, 0.95), method="inverted_cdf")
    return share[0], share[1], f"{half:.0f}, {most:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="a run with at least 20 trials of a cell; without it only part 3")
    parser.add_argument("--checks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    failed = []
    if arguments.run:
        for cell in cell_evidence(open_run(Path("runs"), arguments.run)):
            readings = [reading for reading in cell.complete if reading.undisturbed.size >= 10]
            if len(readings) < 20:
                print(f"{cell.cell.id}: {len(readings)} usable trials, 20 are needed")
                continue
            print(f"\n{cell.cell.id}: {len(readings)} trials\n")
            print("| statistic | over trials | within a pair | A/A: FAIL | undecided | 5 % slower: FAIL | blocks |")
            print("|---|---|---|---|---|---|---|")
            for name, statistic in STATISTICS.items():
                random = np.random.default_rng(arguments.seed)
                figures = np.array([statistic(reading) for reading in readings]) * 1e-6
                pairs = figures[: len(figures) // 2 * 2].reshape(-1, 2)
                spread = float(np.log(figures).std(ddof=1))
                within = float(np.sqrt((np.diff(np.log(pairs)) ** 2).mean()))
                same = summary(simulated(random, pairs, 1.0, arguments.checks))
                slower = summary(simulated(random, pairs, 1.05, arguments.checks))
                shown = f"{spread:.1%} | {within:.1%} | {same[0]:.1%} | {same[1]:.1%} | {slower[0]:.1%} | {slower[2]}"
                print(f"| {name} | {shown} |")
                if name == CHOSEN and same[0] > 0.01:
                    failed.append(f"{cell.cell.id}, {name}: {same[0]:.1%} false alarms")
    print("\nsimulated quiet phone, 3 % slower:\n")
    print("| trial effect | A/A: FAIL | 3 % slower: FAIL | blocks |")
    print("|---|---|---|---|")
    for effect in (0.003, 0.005, 0.007, 0.010):
        random = np.random.default_rng(arguments.seed)
        pairs = 10.0 * np.exp(random.normal(0, effect, (5000, 2)))
        same, slower = (summary(simulated(random, pairs, factor, 1000)) for factor in (1.0, 1.03))
        print(f"| {effect:.1%} | {same[0]:.1%} | {slower[0]:.1%} | {slower[2]} |")
        if effect <= 0.007 and slower[0] < 0.95:
            failed.append(f"effect {effect:.1%}: power {slower[0]:.1%}")
    if failed:
        sys.exit("; ".join(failed))


if __name__ == "__main__":
    main()
