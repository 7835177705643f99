"""How true an artifact stayed to its float network: outputs on the same inputs, compared."""

from __future__ import annotations

import math

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
