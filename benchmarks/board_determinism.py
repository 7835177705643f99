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
from collections.abc import Iterator, Sequence
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


def run(selection: Sequence[str], devices: Sequence[str], runs: Path) -> float:
    """One `bench run` of this selection on these devices; its seconds."""
    named = [part for device in devices for part in ("--device", device)]
    command = [sys.executable, "-c", "from bench.main import main; main()", "run", *selection, *named]
    began = time.monotonic()
    ended = subprocess.run([*command, "--out", str(runs)], check=False)
    if ended.returncode:
        raise SystemExit(f"bench run ended with {ended.returncode}")
    return time.monotonic() - began


def measured(selection: Sequence[str], runs: Path, board: str) -> dict[str, Cell]:
    """One `bench run` on a board booted for it."""
    try:
        began = time.monotonic()
        ensure_running(board)
        booted = time.monotonic() - began
        print(
            f"{board}: booted in {booted:.1f} s, run in {run(selection, [f'emulator:{board}'], runs):.0f} s", flush=True
        )
    finally:
        stop(board)
    return counted(runs)


def counted(runs: Path) -> dict[str, Cell]:
    """Instructions of each cell of the latest run there, and of its operators."""
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


def compared(first: dict[str, Cell], second: dict[str, Cell], operator_bound: float = OPERATOR_BOUND) -> bool:
    """Print how far the second run's cells and operators are from the first's, and which operator is farthest; whether
    the bounds hold."""
    held = True
    print(f"\n{'cell':34} {'instructions':>14} {'cell':>10} {'operators: worst':>18}")
    for name, (instructions, operators) in first.items():
        again, others = second[name]
        if operators.keys() != others.keys():
            raise SystemExit(f"{name} ran two different graphs")
        cell = abs(again / instructions - 1)
        apart = {key: abs(others[key] / count - 1) for key, count in operators.items() if count}
        farthest = max(apart, key=lambda key: apart[key])
        worst = apart[farthest]
        held &= cell <= CELL_BOUND and worst <= operator_bound
        which = f"{farthest[1]}, {operators[farthest]:,.0f} and {others[farthest]:,.0f}"
        print(f"{name:34} {instructions:14,.0f} {cell:10.4%} {worst:10.3%} of {len(operators)}: {which}")
    return held


def add_selection(parser: argparse.ArgumentParser) -> None:
    """The options that say what is run."""
    parser.add_argument("--models", default="mobilenet_v2,squeezenet1_1")
    parser.add_argument("--precisions", default="int8")
    parser.add_argument("--formats", default="onnx,tflite")


def selection(options: argparse.Namespace) -> list[str]:
    """The same options for `bench run`."""
    return ["--models", options.models, "--precisions", options.precisions, "--formats", options.formats]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_selection(parser)
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
        chosen = (selection(options), runs)
        quiet = measured(*chosen, f"quiet-{os.getpid()}")
        with busy(options.busy):
            loaded = measured(*chosen, f"busy-{os.getpid()}")
    held &= compared(quiet, loaded)
    print("within the bounds" if held else "BEYOND THE BOUNDS")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
