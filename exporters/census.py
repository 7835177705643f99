"""Counts a selection of networks in a process of its own, so that the one that asks need not import torch.

Reads {"selection": [...], "weights": ...} from stdin; prints {"entries": [...]}, or {"error": {...}} for a mistake.
"""

from __future__ import annotations

import json
import sys

from exporters.catalog import CatalogEntry
from exporters.layers import layers_of
from exporters.networks.registry import Network, select
from foundation.errors import PocketbenchError


def entry_of(network: Network) -> CatalogEntry:
    """What the catalog says of one network."""
    layers = layers_of(network)
    return CatalogEntry(
        name=network.name,
        family=network.family,
        input_size=network.input_size,
        params=layers.params,
        macs=layers.macs,
        weights=network.weights,
        published=network.published,
        tags=network.tags,
        preprocessing=network.preprocessing,
        classes=network.classes,
        module=network.module,
    )


def main() -> None:
    """Answer one request on stdin with one line on stdout."""
    request = json.load(sys.stdin)
    answer: dict[str, object]
    try:
        networks = select(request["selection"], weights=request["weights"])
        answer = {"entries": [entry_of(network).model_dump(mode="json") for network in networks]}
    except PocketbenchError as error:
        answer = {"error": {"type": type(error).__name__, "message": error.message, "hint": error.hint}}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
