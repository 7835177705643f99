"""Do two evaluations of the same files predict alike, picture by picture? For one device against another.

    bench accuracy --models efficientnet_lite0 --data pictures --out here
    bench accuracy --device emulator --models efficientnet_lite0 --data pictures --pictures 10 --out board
    python benchmarks/same_predictions.py here/ID board/ID

A line for each file: pictures that both have, and on how many the first class and the order of the best five are
equal. Ends with 1 when a first class differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results.accuracy_evidence import Row
from results.accuracy_store import AccuracyEvidence, open_accuracy


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path, help="folder of an evaluation")
    parser.add_argument("other", type=Path)
    arguments = parser.parse_args()
    ours, theirs = (predicted(folder) for folder in (arguments.one, arguments.other))
    common = [key for key in ours if key in theirs]
    if not common:
        sys.exit("no file was evaluated in both")
    parted = False
    for key in common:
        pictures = [name for name in ours[key] if name in theirs[key]]
        pairs = [(ours[key][name], theirs[key][name]) for name in pictures]
        first = sum(a[0] == b[0] for a, b in pairs)
        print(f"{' '.join(key[1:]):32} {len(pairs):4} pictures: first class equal on {first}, "
              f"best five in order on {sum(a == b for a, b in pairs)}")  # fmt: skip
        parted |= first < len(pairs) or not pairs
    return int(parted)


def predicted(folder: Path) -> dict[tuple[str, str, str, str], dict[str, Row]]:
    """(SHA-256, network, format, precision) -> picture -> best five."""
    evidence = open_accuracy(folder)
    if evidence is None:
        sys.exit(f"no evaluation in {folder}")
    return {
        (cell.artifact, cell.network, cell.format, cell.precision): _of_cell(evidence, cell.id)
        for cell in evidence.plan.cells
    }


def _of_cell(evidence: AccuracyEvidence, cell: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for shard in evidence.shards:
        if shard.cell == cell:
            names = evidence.plan.pictures[shard.first : shard.first + shard.count]
            readable = [name for offset, name in enumerate(names) if offset not in shard.skipped]
            found |= zip(readable, shard.top5, strict=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
