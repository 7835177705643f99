"""How well the emulated board repeats itself, and how long it takes to come up.

    python benchmarks/board_determinism.py                      mobilenet_v2 and squeezenet1_1, int8, onnx and tflite
    python benchmarks/board_determinism.py --models shufflenet_v2_x1_0 --busy 4 --boots 5

The same `bench run` twice, each on a board booted for it, the second time beside busy processes on the host. Bounds:
instructions of each cell within 0.1 %, of each operator within 3 %; boot to the first answer of adbd and of the ssh
server at most 15 s. Ends with 1 when one is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from device_agents.emulator.board import ensure_running, stop
from results.derive import cell_evidence, cells
from results.operators import operator_table
from results.store import open_run

CELL_BOUND = 0.001
OPERATOR_BOUND = 0.03
BOOT_BOUND_S = 15.0

Operators = dict[tuple[int, str], float]  # (place in the order of execution, name) -> instructions
Cell = tuple[float, Operators]


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many endless loops on this machine."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def boots(count: int) -> list[float]:
    """Seconds that each of so many boots took."""
    seconds = []
    for _ in range(count):
        name = f"boot-{os.getpid()}"
        try:
            seconds.append(ensure_running(name).boot_seconds or 0.0)
        finally:
            stop(name)
    return seconds


def measured(models: str, precisions: str, formats: str, runs: Path, board: str) -> dict[str, Cell]:
    """One `bench run` on a board of its own: instructions of each cell and of its operators."""
    selection = ["--models", models, "--precisions", precisions, "--formats", formats]
    command = [sys.executable, "-c", "from bench.main import main; main()", "run", *selection]
    began = time.monotonic()
    try:
        ensure_running(board)
        ended = subprocess.run([*command, "--device", f"emulator:{board}", "--out", str(runs)], check=False)
    finally:
        stop(board)
    if ended.returncode:
        raise SystemExit(f"bench run ended with {ended.returncode}")
    print(f"run on {board}: {time.monotonic() - began:.0f} s", flush=True)
    evidence = open_run(runs, "latest")
    operators = {
        each.cell.id: {(row.order, row.name): row.time for row in operator_table(each)}
        for each in cell_evidence(evidence)
    }
    found = {}
    for cell in cells(evidence):
        if cell.latency is None or cell.clock != "instructions":
            raise SystemExit(f"{cell.id} was not counted in instructions")
        found[f"{cell.network} {cell.format} {cell.precision}"] = (cell.latency.median, operators[cell.id])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="mobilenet_v2,squeezenet1_1")
    parser.add_argument("--precisions", default="int8")
    parser.add_argument("--formats", default="onnx,tflite")
    parser.add_argument("--busy", type=int, default=1, help="busy processes beside the second run")
    parser.add_argument("--boots", type=int, default=3, help="boots to time; 0: none")
    parser.add_argument("--runs", type=Path, help="keep the evidence in this folder")
    options = parser.parse_args()

    held = True
    if options.boots:
        seconds = boots(options.boots)
        held &= max(seconds) <= BOOT_BOUND_S
        print(f"boot: median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s of {len(seconds)}")
    with tempfile.TemporaryDirectory() as scratch:
        runs = options.runs or Path(scratch)
        chosen = (options.models, options.precisions, options.formats, runs)
        quiet = measured(*chosen, f"quiet-{os.getpid()}")
        with busy(options.busy):
            loaded = measured(*chosen, f"busy-{os.getpid()}")
    print(f"\n{'cell':34} {'instructions':>14} {'cell':>10} {'operators: worst':>18}")
    for name, (instructions, operators) in quiet.items():
        again, others = loaded[name]
        if operators.keys() != others.keys():
            raise SystemExit(f"{name} ran two different graphs")
        cell = abs(again / instructions - 1)
        worst = max((abs(others[key] / count - 1) for key, count in operators.items() if count), default=0.0)
        held &= cell <= CELL_BOUND and worst <= OPERATOR_BOUND
        print(f"{name:34} {instructions:14,.0f} {cell:10.4%} {worst:10.3%} of {len(operators)}")
    print("within the bounds" if held else "BEYOND THE BOUNDS")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
