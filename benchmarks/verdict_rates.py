"""How often verdicts are raised on cells that are stationary by construction. Bound: <= 1 % not `valid`.

    python benchmarks/verdict_rates.py

Cells of 5 trials: sample noise 1-6 %, trial effect 0.5-2 %, 50 to 400 samples, with and without skew (the noise is
log-normal) and correlation between neighbouring samples. Nothing drifts, no trial is disturbed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.derive import cells
from tests.results.synthetic import Effects, artifact, evidence

QUIET = Effects()
KINDS = {
    "quiet": replace(QUIET, sample_noise=0.01, trial_effect=0.005, samples=200),
    "usual": replace(QUIET, sample_noise=0.03, trial_effect=0.01, samples=100),
    "few samples": replace(QUIET, sample_noise=0.03, trial_effect=0.01, samples=50),
    "noisy": replace(QUIET, sample_noise=0.06, trial_effect=0.02, samples=100),
    "noisy, few samples": replace(QUIET, sample_noise=0.06, trial_effect=0.02, samples=50),
    "bursts unseen": replace(QUIET, sample_noise=0.02, trial_effect=0.01, samples=200, burst_share=0.05),
    "disturbed 5 %": replace(QUIET, sample_noise=0.03, trial_effect=0.01, samples=100, disturbed_share=0.05),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    artifacts = [artifact(f"net{number}") for number in range(min(250, arguments.cells))]
    total = alarms = 0
    print("| stationary cells | cells | not valid | codes |")
    print("|---|---|---|---|")
    for number, (name, effects) in enumerate(KINDS.items()):
        counts: Counter[str] = Counter()
        bad = made = 0
        while made < arguments.cells:
            results = cells(evidence(effects, artifacts, seed=arguments.seed + 1000 * number + made))
            made += len(results)
            bad += sum(cell.verdict != "valid" for cell in results)
            counts.update(reason.code for cell in results for reason in cell.reasons)
        codes = ", ".join(f"{code} {count}" for code, count in counts.most_common()) or "none"
        print(f"| {name} | {made} | {bad / made:.2%} | {codes} |", flush=True)
        total, alarms = total + made, alarms + bad
    print(f"\nall: {alarms} of {total} cells ({alarms / total:.2%})")
    if alarms > 0.01 * total:
        sys.exit("more than 1 % of stationary cells are not valid")


if __name__ == "__main__":
    main()
