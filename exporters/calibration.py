"""What an int8 artifact is calibrated with, and its outputs are compared on: real pictures, or seeded sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from exporters.pictures import agreement_pictures, calibration_pictures
from exporters.preprocessing import prepare
from foundation.artifact import Preprocessing

CALIBRATION_PICTURES: Final = 100
JUDGING_PICTURES: Final = 40  # that choose between methods; none of them calibrates, and none is labelled
AGREEMENT_PICTURES: Final = 50


@dataclass(frozen=True)
class Method:
    """How the ranges of an int8 file's activations follow from pictures: the extremes of all (minmax), of most
    (percentile), or an average that follows the last ones (moving)."""

    rule: Literal["minmax", "percentile", "moving"]
    pictures: int
    percentile: float = 100.0

    def __str__(self) -> str:
        rule = {"minmax": "MinMax", "percentile": f"percentile {self.percentile:g}", "moving": "moving average"}
        return f"{rule[self.rule]} over {self.pictures} inputs"


Inputs = list[NDArray[np.float32]]  # each with a batch of one, in the torch network's own layout


def calibration_inputs(preprocessing: Preprocessing | None, shape: Sequence[int], n: int) -> Inputs:
    """`n` inputs of `shape` (batch of one first): unlabelled pictures, or seeded normal values for other inputs."""
    if preprocessing is None:
        return _sequences(shape, n, seed=1)
    return _pictures(calibration_pictures(n), preprocessing)


def judging_inputs(preprocessing: Preprocessing | None, shape: Sequence[int]) -> Inputs:
    """Inputs on which calibration methods are compared, none of which calibrates."""
    if preprocessing is None:
        return _sequences(shape, JUDGING_PICTURES, seed=3)
    return _pictures(
        calibration_pictures(CALIBRATION_PICTURES + JUDGING_PICTURES)[CALIBRATION_PICTURES:], preprocessing
    )


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
