"""A chart of where a network's multiply-accumulates and bytes sit, from its input to its output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from foundation.cache import written_whole
from foundation.errors import StorageError, UsageError

if TYPE_CHECKING:
    from exporters.layers import Layers

SUFFIXES = (".png", ".svg", ".pdf")


def check_chart(path: Path) -> None:
    """Raise UsageError for an unknown kind of file, StorageError for a folder that cannot be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"cannot draw a chart into {path}", hint=f"give it one of {', '.join(SUFFIXES)}")
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise StorageError(f"cannot write {path}", hint="choose another folder, or change its permissions")


def draw_layers(layers: Layers, path: Path) -> None:
    """Draw two panels over the layers' order: MACs and memory access cost, coloured by type."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    kinds = list(dict.fromkeys(layer.type for layer in layers.layers))
    colours = {kind: f"C{index % 10}" for index, kind in enumerate(kinds)}
    for kind in kinds:
        of_kind = [layer for layer in layers.layers if layer.type == kind]
        orders = [layer.order for layer in of_kind]
        if any(layer.macs for layer in of_kind):
            above.bar(orders, [layer.macs / 1e6 for layer in of_kind], 1.0, color=colours[kind])
        below.bar(orders, [layer.memory_access_bytes / 1e6 for layer in of_kind], 1.0, color=colours[kind], label=kind)
    above.set_ylabel("MACs (millions)")
    below.set_ylabel("memory access cost\n(MB, float32)")
    below.set_xlabel("layer, from input to output")
    above.set_title(
        f"{layers.network}: {layers.macs / 1e6:,.0f} M MACs, {layers.memory_access_bytes / 1e6:,.0f} MB moved"
    )
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    for panel in (above, below):
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.01)
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=150)
