"""What a graph reader finds in a model file, whatever its format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from foundation.artifact import Operator, Precision, Tensor


@dataclass(frozen=True)
class Reading:
    """Inputs, outputs and operators of one file; `weights` counts its constant values by numpy's type name."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    weights: Counter[str]

    @property
    def macs(self) -> int:
        return sum(operator.macs for operator in self.operators)

    @property
    def precision(self) -> Precision:
        """What most of the weights are stored in."""
        eight_bits = self.weights["int8"] + self.weights["uint8"]
        largest = max(eight_bits, self.weights["float16"], self.weights["float32"])
        if largest == 0 or largest == self.weights["float32"]:
            return "fp32"
        return "int8" if largest == eight_bits else "fp16"
