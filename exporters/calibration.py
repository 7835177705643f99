"""What an int8 artifact is calibrated with, and its outputs are compared on: real pictures, or seeded sequences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporters.pictures import agreement_pictures, calibration_pictures
from exporters.preprocessing import prepare
from foundation.artifact import Preprocessing

CALIBRATION_PICTURES: Final = 64
AGREEMENT_PICTURES: Final = 50

Inputs = list[NDArray[np.float32]]  # each with a batch of one, in the torch network's own layout


def calibration_inputs(preprocessing: Preprocessing | None, shape: Sequence[int], n: int) -> Inputs:
    """`n` inputs of `shape` (batch of one first): unlabelled pictures, or seeded normal values for other inputs."""
    if preprocessing is None:
        return _sequences(shape, n, seed=1)
    return _pictures(calibration_pictures(n), preprocessing)


def agreement_inputs(preprocessing: Preprocessing | None, shape: Sequence[int], n: int) -> Inputs:
    """`n` inputs that took no part in calibration, for comparing an artifact with its float network."""
    if preprocessing is None:
        return _sequences(shape, n, seed=2)
    return _pictures(agreement_pictures(n), preprocessing)


def _pictures(paths: Sequence[Path], preprocessing: Preprocessing) -> Inputs:
    return [prepare(path, preprocessing)[np.newaxis] for path in paths]


def _sequences(shape: Sequence[int], n: int, seed: int) -> Inputs:
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(tuple(shape), dtype=np.float32) for _ in range(n)]
