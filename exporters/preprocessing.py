"""A picture file becomes a network's input, the same way for calibration and for evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from foundation.artifact import Preprocessing
from foundation.errors import UsageError

MARGIN: Final = 0.06  # white around a cut-out object, as a share of its longer side
FILTERS: Final = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare(path: Path, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """The network's input for the picture at `path`: float32, shape (3, size, size), channels in the network's order.

    Raises UsageError for what is not a still 8-bit RGB, grey or palette picture.
    """
    return normalised(np.asarray(square(read(path), preprocessing)), preprocessing)


def normalised(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """The network's input for RGB `pixels`, shape (size, size, 3): float32, (3, size, size), in its channel order."""
    if preprocessing.channel_order == "BGR":
        pixels = pixels[..., ::-1]
    mean = np.asarray(preprocessing.mean, dtype=np.float32)
    scale = np.asarray(preprocessing.scale, dtype=np.float32)
    return np.ascontiguousarray(((pixels.astype(np.float32) - mean) / scale).transpose(2, 0, 1))


def read(path: Path) -> Image.Image:
    """The decoded picture. Raises UsageError saying what is wrong with it."""
    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                raise UsageError(f"{path} is animated", hint="use a still picture")
            if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
                raise UsageError(f"{path} has {picture.mode} pixels", hint="convert it to 8-bit RGB")
            picture.load()
            return picture.copy()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a picture: {error}") from error


def square(picture: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """The picture as RGB, size x size pixels.

    A photograph is cropped to its centre, `crop` of the shorter side. A cut-out object (one with an alpha channel)
    is cropped to what is visible and set on white with a margin, for there its centre is not the whole of it.
    """
    size = (preprocessing.size, preprocessing.size)
    resampling = FILTERS[preprocessing.interpolation]
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = picture.crop(picture.getchannel("A").getbbox())
        side = int(max(picture.size) * (1 + 2 * MARGIN))
        ground = Image.new("RGB", (side, side), "white")
        corner = ((side - picture.width) // 2, (side - picture.height) // 2)
        ground.paste(picture.convert("RGB"), corner, picture.getchannel("A"))
        return ground.resize(size, resampling)
    picture = picture.convert("RGB")
    side = max(1, int(min(picture.size) * preprocessing.crop))
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize(size, resampling)
