"""How true an artifact stayed to its float network: outputs on the same inputs, compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foundation.artifact import Agreement


def agreement(reference: NDArray[np.float32], outputs: NDArray[np.float32]) -> Agreement:
    """Compare outputs (n, ...) with the float network's on the same n inputs.

    SQNR is 10 log10(sum reference^2 / sum error^2) in dB over all outputs together; None where they are equal.
    top-1 is the share of inputs whose largest output along the last axis stands at the same place.
    Raises ValueError where shapes differ or an output is not finite.
    """
    if reference.shape != outputs.shape:
        raise ValueError(f"outputs have shape {outputs.shape}, the float network's {reference.shape}")
    if not np.isfinite(outputs).all():
        raise ValueError("an output is not finite")
    wanted, got = reference.astype(np.float64), outputs.astype(np.float64)
    error = float(((wanted - got) ** 2).sum())
    power = float((wanted**2).sum())
    sqnr = None if error == 0 else 10 * math.log10(power / error) if power > 0 else -math.inf
    same = wanted.argmax(axis=-1) == got.argmax(axis=-1)
    return Agreement(pictures=len(reference), sqnr_db=sqnr, top1=float(same.mean()))


NOISE_PICTURES: Final = 2  # so many more agreements among some forty pictures are luck as likely as merit


def best(tried: Sequence[Agreement]) -> int:
    """The place of the one most like the float network: of those within two pictures of the most agreements, the one
    of the highest SQNR, which tells apart what a few dozen first classes cannot."""
    most = max(one.top1 * one.pictures for one in tried)
    near = [index for index, one in enumerate(tried) if one.top1 * one.pictures >= most - NOISE_PICTURES - 0.5]
    return max(near, key=lambda index: math.inf if tried[index].sqnr_db is None else tried[index].sqnr_db)
