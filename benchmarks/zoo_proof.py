"""How far the networks are from what was published, and from other implementations of them.

    python benchmarks/zoo_proof.py [--models GLOB]

Parameters and MACs against the published figures that `bench models` shows; outputs against torchvision, timm and
pytorchcv under the same random weights, as a share of the largest output. Ends with 1 where parameters differ, MACs by
more than 1.5 %, or outputs by more than 1e-4.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exporters.layers import layers_of
from exporters.networks.registry import declarations, listed_names, resolve
from tests.exporters.networks.reference import deviation, pairs

MACS_BOUND = 0.015
OUTPUTS_BOUND = 1e-4


def main() -> int:
    """Count, compare, print the worst of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="*", help="a glob of names")
    glob = parser.parse_args().models
    names = fnmatch.filter(listed_names(), glob)
    bases = [name for name in names if name in declarations()]
    print(f"networks: {len(bases)}, and {len(names) - len(bases)} variants of them")

    params: dict[str, float] = {}
    macs: dict[str, float] = {}
    for name in names:
        network = resolve(name)
        layers = layers_of(network)
        if network.published and network.published.params:
            params[name] = layers.params - network.published.params
        if network.published and network.published.macs:
            macs[name] = layers.macs / network.published.macs - 1
    print(f"parameters: {len(params)} published, worst deviation {worst(params, '{:.0f}')}")
    print(f"MACs: {len(macs)} published, worst deviation {worst(macs, '{:+.2%}')}")

    start = time.monotonic()
    outputs = {
        f"{name} and {library}'s {inner}": deviation(name, library, inner)
        for name, library, inner in pairs()
        if name in names
    }
    compared = len({name.partition(" ")[0] for name in outputs})
    print(f"outputs: {len(outputs)} pairs, {compared} of our networks, worst deviation {worst(outputs, '{:.1e}')}")
    print(f"comparing outputs took {time.monotonic() - start:.0f} s")
    wrong = any(params.values())
    wrong |= any(abs(value) > MACS_BOUND for value in macs.values())
    return int(wrong or any(value > OUTPUTS_BOUND for value in outputs.values()))


def worst(deviations: dict[str, float], form: str) -> str:
    """The largest one, and whose it is."""
    if not deviations:
        return "none"
    name = max(deviations, key=lambda one: abs(deviations[one]))
    return f"{form.format(deviations[name])}" + (f" ({name})" if deviations[name] else "")


if __name__ == "__main__":
    sys.exit(main())
