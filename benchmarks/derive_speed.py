"""How long verdicts and intervals take: 1,000 cells x 5 trials x 200 samples. Bound: < 2 s (DESIGN.md section 9).

    python benchmarks/derive_speed.py

Evidence is made first and kept in memory as the agent's own lines; the figure is parsing plus deriving.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.derive import cells
from tests.results.synthetic import Effects, artifact, evidence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    arguments = parser.parse_args()
    made = evidence(Effects(samples=200), [artifact(f"net{number}") for number in range(arguments.cells)])
    if arguments.profile:
        import cProfile

        cProfile.runctx("cells(made)", globals(), locals(), sort="tottime")
        return
    wall, cpu = [], []
    for _ in range(3):
        started, used = time.perf_counter(), time.process_time()
        cells(made)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    print(f"{arguments.cells} cells x 5 trials x 200 samples: {min(wall):.2f} s, {min(cpu):.2f} s of CPU")


if __name__ == "__main__":
    main()
