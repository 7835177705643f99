"""Two emulated boards side by side in one `bench run`: how long it takes, and what it counts, against one board.

    python benchmarks/two_boards.py [--models mobilenet_v2,squeezenet1_1] [--rounds 3]

Both boards are up beforehand and hold agent and models from a run that is not counted. One and two take turns. Twice
the work on two cores of the host should take little longer; on one core it would take twice as long.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.board_determinism import add_selection, run, selection
from device_agents.emulator.board import ensure_running, stop
from results.derive import cells
from results.store import open_run


def main() -> int:
    """Print seconds of each round, and how far the boards' counts are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_selection(parser)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    boards = [f"side-{letter}-{os.getpid()}" for letter in "ab"]
    devices = [f"emulator:{board}" for board in boards]
    chosen = selection(options)
    one, two = [], []
    with tempfile.TemporaryDirectory() as scratch:
        runs = Path(scratch)
        try:
            for board in boards:
                ensure_running(board)
            run(chosen, devices, runs)
            for _ in range(options.rounds):
                one.append(run(chosen, devices[:1], runs))
                two.append(run(chosen, devices, runs))
        finally:
            for board in boards:
                stop(board)
        counts: dict[str, list[float]] = {}
        for cell in cells(open_run(runs, "latest")):
            if cell.latency is not None:
                counts.setdefault(f"{cell.network} {cell.format} {cell.precision}", []).append(cell.latency.median)
    for name, pair in counts.items():
        print(f"{name:34} {pair[0]:14,.0f} {pair[1]:14,.0f}  {abs(pair[1] / pair[0] - 1):.4%} apart")
    print(f"one board: median {statistics.median(one):.1f} s of {', '.join(f'{value:.1f}' for value in one)}")
    print(f"two boards: median {statistics.median(two):.1f} s of {', '.join(f'{value:.1f}' for value in two)}")
    print(f"two take {statistics.median(b / a for a, b in zip(one, two, strict=True)):.2f} times as long as one")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
