"""One fixed input for every network, whose float outputs are recorded with the artifact and compared on the device.

A drawn card, not a photograph: it needs no package, is the same on every machine, and is drawn at the network's own
size. It has smooth shades, edges and strong colours, so that its activations are those of pictures, and each channel
tells a different story, so that swapped channels show.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporters.encoding import Encoder
from foundation.artifact import Artifact, Parity
from foundation.cache import cache_root, key_of, written_whole

INPUT: Final = "card 1"  # changes when the card does
WAVES: Final = 24  # per channel
DISCS: Final = 9
SEED: Final = 7
MOST_DB: Final = 300.0


def card(size: int) -> NDArray[np.uint8]:
    """RGB pixels, shape (size, size, 3)."""
    random = np.random.RandomState(SEED)  # whose streams never change (NEP 19)
    y, x = np.mgrid[0:size, 0:size] / size
    shades = np.zeros((size, size, 3))
    for channel in range(3):
        for _ in range(WAVES):
            fx, fy, phase = random.uniform(-12, 12), random.uniform(-12, 12), random.uniform(0, 2 * np.pi)
            shades[..., channel] += np.cos(2 * np.pi * (fx * x + fy * y) + phase) / (1 + np.hypot(fx, fy))
    shades = (shades - shades.min()) / (shades.max() - shades.min())
    for _ in range(DISCS):
        cx, cy, radius = random.uniform(0, 1), random.uniform(0, 1), random.uniform(0.05, 0.2)
        shades[np.hypot(x - cx, y - cy) < radius] = random.uniform(0, 1, 3)
    return np.rint(255 * shades).astype(np.uint8)


def parity(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> Parity:
    """The record: the float network's output for the card, and how near the file came to it."""
    reference = wanted.astype(np.float64)
    error, power = float(((reference - got) ** 2).sum()), float((reference**2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        sqnr = float(10 * np.log10(np.float64(power) / np.float64(error)))
    return Parity(
        input=INPUT,
        outputs=base64.b64encode(wanted.astype("<f4").tobytes()).decode(),
        sqnr_db=min(MOST_DB, max(-MOST_DB, sqnr)) if np.isfinite(error) else -MOST_DB,
    )


def input_file(artifact: Artifact) -> Path:
    """The card as the bytes of the artifact's input, in a file of the cache. Raises UsageError for no picture input."""
    assert artifact.preprocessing is not None  # there would be no parity without
    tensor = artifact.inputs[0]
    described = [INPUT, artifact.preprocessing.model_dump(), tensor.shape, tensor.dtype, tensor.quantization]
    path = cache_root() / "parity" / f"{key_of(described)}.bin"
    if not path.exists():
        data = Encoder(artifact).stored(card(artifact.preprocessing.size))
        with written_whole(path) as temporary:
            temporary.write_bytes(data)
    return path
