"""Host time of a trial beyond the agent's own, from the evidence of finished runs.

    python benchmarks/host_overhead.py [RUN ...] [--runs FOLDER]

The agent's own time is taken between its two state records (realtime), so its start and end count as the host's:
the figure is an upper bound. Bound on the local device with a warm cache: median at most 0.3 s.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.reading import read
from results.store import open_run

BOUND_S = 0.3


def main() -> int:
    """Print a line a run; end with 1 when a median is beyond the bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="*", default=["latest"])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    broken = False
    for name in arguments.run:
        evidence = open_run(arguments.runs, name)
        beyond = []
        for trial in evidence.trials:
            reading = read(trial)
            if reading.before and reading.after:
                own = reading.after.realtime_ns - reading.before.realtime_ns
                beyond.append((trial.host_ns - own) / 1e9)
        if not beyond:
            sys.exit(f"run {evidence.run.id} has no complete trial")
        median = statistics.median(beyond)
        broken |= median > BOUND_S
        print(f"{evidence.run.id}: {len(beyond)} trials, median {median:.3f} s, worst {max(beyond):.3f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
