"""A picture file becomes the bytes of an artifact's input, in its own layout, type and quantization.

Every step after resizing is a function of one channel's 8-bit value, so it is a table of 256 entries: the same numbers
as exporters.preprocessing gives, several times faster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from exporters.preprocessing import read, square
from foundation.artifact import Artifact, Preprocessing, Tensor
from foundation.errors import UsageError

LEVELS: Final = 256


class Encoder:
    """Encodes pictures for one artifact. Raises UsageError where it is not known how the network wants them."""

    def __init__(self, artifact: Artifact) -> None:
        name = f"{artifact.network} {artifact.format} {artifact.precision}"
        if artifact.preprocessing is None:
            raise UsageError(
                f"{name}: it is not known how pictures become this model's input",
                hint="give --models the name of a network, whose preprocessing is recorded with it",
            )
        if len(artifact.inputs) != 1:
            raise UsageError(f"{name} has {len(artifact.inputs)} inputs; pictures need one")
        self.preprocessing: Preprocessing = artifact.preprocessing
        self.layout = layout(artifact.inputs[0], artifact.preprocessing.size, name)
        self.table = table(artifact.preprocessing, artifact.inputs[0])
        self.picture_bytes = 3 * artifact.preprocessing.size**2 * self.table.itemsize

    def encode(self, path: Path) -> bytes:
        """The input's bytes for the picture at `path`. Raises UsageError for what cannot be read as a picture."""
        return self.stored(np.asarray(square(read(path), self.preprocessing)))

    def stored(self, pixels: NDArray[np.uint8]) -> bytes:
        """The input's bytes for RGB pixels of the network's own size, shape (size, size, 3)."""
        if self.preprocessing.channel_order == "BGR":
            pixels = pixels[..., ::-1]
        channels = [np.take(self.table[channel], pixels[..., channel]) for channel in range(3)]
        return np.stack(channels, axis=0 if self.layout == "NCHW" else -1).tobytes()


def layout(tensor: Tensor, size: int, name: str) -> Literal["NCHW", "NHWC"]:
    """Where the channels stand in a picture input. Raises UsageError when it is no single RGB picture of that size."""
    if tensor.shape == (1, 3, size, size):
        return "NCHW"
    if tensor.shape == (1, size, size, 3):
        return "NHWC"
    raise UsageError(f"{name}: an input of shape {tensor.shape} takes no RGB picture of {size} pixels")


def table(preprocessing: Preprocessing, tensor: Tensor) -> NDArray[Any]:
    """(3, 256): the stored value of each 8-bit value in each of the network's channels."""
    levels = np.arange(LEVELS, dtype=np.float32)[np.newaxis]
    mean = np.asarray(preprocessing.mean, dtype=np.float32)[:, np.newaxis]
    scale = np.asarray(preprocessing.scale, dtype=np.float32)[:, np.newaxis]
    return quantized((levels - mean) / scale, tensor)


def quantized(values: NDArray[np.float32], tensor: Tensor) -> NDArray[Any]:
    """Real values as `tensor` stores them, saturating where they do not fit."""
    dtype = np.dtype(tensor.dtype)
    if tensor.quantization is None:
        if dtype.kind != "f":
            raise UsageError(f"the input {tensor.name} stores {dtype} without saying what they stand for")
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(values / tensor.quantization.scale) + tensor.quantization.zero_point
    return np.clip(steps, limits.min, limits.max).astype(dtype)
