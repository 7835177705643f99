"""How fast `bench accuracy` feeds a fast network, how long the device waits, and what memory the host takes.

    python benchmarks/accuracy_throughput.py [--model squeezenet1_1] [--format tflite] [--precision int8]

The labelled pictures that packages ship, repeated to 500 and 5,000. Bounds: the device waits at most 10 % of the time
and the host's peak memory is equal within 10 % for both.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from exporters.pictures import labelled_pictures

COUNTS = (500, 5000)
WAITING_BOUND = 0.10
MEMORY_BOUND = 0.10


def table(folder: Path, count: int) -> Path:
    """A CSV of `count` labelled pictures, the set again and again."""
    pictures = labelled_pictures()
    rows = [pictures[index % len(pictures)] for index in range(count)]
    path = folder / f"pictures_{count}.csv"
    path.write_text("".join(f'"{row.path}",{" ".join(map(str, row.classes))}\n' for row in rows))
    return path


def measured(arguments: list[str], folder: Path) -> tuple[dict[str, object], float, float]:
    """The one score that `bench accuracy` prints, its wall time in s, and the process's peak memory in MB."""
    out = folder / "scores.json"
    start = time.monotonic()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", "from bench.main import main; main()", "accuracy", "--json", *arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)],
    )
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"bench accuracy {' '.join(arguments)} failed")
    (score,) = json.loads(out.read_text())
    return score, seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Print a line for each count and end with status 1 where a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="squeezenet1_1")
    parser.add_argument("--format", default="tflite")
    parser.add_argument("--precision", default="int8")
    options = parser.parse_args()
    peaks, waits = [], []
    print("pictures  pictures/s  device waits  whole command s  host peak MB")
    with tempfile.TemporaryDirectory(prefix="pocketbench-throughput-") as name:
        folder = Path(name)
        for count in COUNTS:
            score, seconds, peak = measured(
                [
                    "--models", options.model, "--formats", options.format, "--precisions", options.precision,
                    "--data", str(table(folder, count)), "--compared", "0", "--out", str(folder / "runs"),
                ],
                folder,
            )  # fmt: skip
            print(
                f"{score['pictures']:8}  {score['pictures_per_s']:10.1f}  {score['waiting_share']:12.1%}"
                f"  {seconds:15.1f}  {peak:12.1f}",
                flush=True,
            )
            peaks.append(peak)
            waits.append(float(str(score["waiting_share"])))
    growth = peaks[1] / peaks[0] - 1
    print(f"the device waits {waits[1]:.1%} (at most {WAITING_BOUND:.0%}); memory grows by {growth:+.1%} (10 %)")
    sys.exit(int(waits[1] > WAITING_BOUND or abs(growth) > MEMORY_BOUND))


if __name__ == "__main__":
    main()
