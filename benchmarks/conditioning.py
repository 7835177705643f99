"""How far a float network strays from itself when its input is multiplied by 1 + 1e-6, as float32's rounding might.

    python benchmarks/conditioning.py efficientnet_b1 efficientnet_b2

Networks with random weights may answer some pictures with outputs a hundred times as large as the others', and chaos in
them: what is rounded grows from layer to layer, in an export too. docs/zoo.md says which. SQNR is over all outputs
together, as there, and picture by picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exporters.agreement import agreement
from exporters.networks.registry import resolve
from exporters.pictures import agreement_pictures
from exporters.preprocessing import prepare

CHANGE = 1e-6
BATCH = 5


def outputs(module: torch.nn.Module, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network's outputs (n, classes) for pictures (n, 3, H, W)."""
    with torch.inference_mode():
        batches = [module(torch.from_numpy(pictures[at : at + BATCH])).numpy() for at in range(0, len(pictures), BATCH)]
    return np.concatenate(batches)


def main() -> None:
    """Print one line a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--pictures", type=int, default=50)
    options = parser.parse_args()
    for name in options.networks:
        network = resolve(name)
        if network.preprocessing is None:
            sys.exit(f"{name} takes no pictures")
        pictures = np.stack([prepare(path, network.preprocessing) for path in agreement_pictures(options.pictures)])
        module = network.build()
        first = outputs(module, pictures)
        second = outputs(module, pictures * np.float32(1 + CHANGE))
        whole = agreement(first, second)
        apart = sorted(agreement(a[None], b[None]).sqnr_db or np.inf for a, b in zip(first, second, strict=True))
        power = np.sort((first.astype(np.float64) ** 2).sum(axis=1))[::-1]
        print(
            f"{name}: {whole.sqnr_db or np.inf:.1f} dB, same first class {whole.top1:.2f}; worst pictures "
            f"{', '.join(f'{value:.0f}' for value in apart[:5])} dB, median {np.median(apart):.0f}; "
            f"three pictures hold {power[:3].sum() / power.sum():.0%} of the outputs' power",
            flush=True,
        )


if __name__ == "__main__":
    main()
