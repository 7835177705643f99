"""The same plan on the emulated board through adb-shell, adbutils and ssh: are the instructions the same?

    python benchmarks/board_ways.py [--models mobilenet_v2,squeezenet1_1] [--runs FOLDER]

One board, one `bench run` for each way, an adb server of the script's own. Over adb the board shows an Android-like
root without a libc, and the agent brings Debian 12's glibc; over ssh a small Linux with Debian 13's. Agent and runtimes
are built alike. Bounds: instructions of each cell within 0.1 % of the first way's; of each operator within 3 % where
the libc is the same one. Ends with 1 when one is broken.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.board_determinism import OPERATOR_BOUND, add_selection, compared, counted, run, selection
from benchmarks.push_throughput import own_adb_server
from device_agents.emulator.board import ensure_running, stop

WAYS = {"direct": "adb-shell", "adb": "adbutils", "ssh": "ssh"}


def main() -> int:
    """All three, each against the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_selection(parser)
    parser.add_argument("--runs", type=Path, help="keep the evidence in this folder")
    options = parser.parse_args()
    board = f"ways-{os.getpid()}"
    found = {}
    with tempfile.TemporaryDirectory() as scratch, own_adb_server():
        runs = options.runs or Path(scratch)
        ensure_running(board)
        try:
            for way in WAYS:
                seconds = run(selection(options), [f"emulator:{board}/{way}"], runs)
                found[way] = counted(runs)
                print(f"through {WAYS[way]}: {seconds:.0f} s", flush=True)
        finally:
            stop(board)
    first, *others = WAYS
    held = True
    for way in others:
        print(f"\n{WAYS[way]} against {WAYS[first]}")
        held &= compared(found[first], found[way], math.inf if way == "ssh" else OPERATOR_BOUND)
    print("within the bounds" if held else "BEYOND THE BOUNDS")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
