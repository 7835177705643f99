"""What an operator costs: multiply-accumulates and bytes. One set of formulas for every traversal.

FLOPs = 2 x MACs. Element-wise operators, pooling and normalisation count 0 MACs, as torch's FlopCounterMode has it.
Batch is part of the shapes, so a formula needs no batch of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def elements(shape: Sequence[int]) -> int:
    """Number of values in a tensor of this shape; a scalar has one."""
    return math.prod(shape)


def convolution_macs(output_shape: Sequence[int], weights: int, output_channels: int) -> int:
    """MACs of a convolution, grouped and depthwise ones included.

    Each output value takes one MAC for each weight of its own filter: kernel height x width x input channels / groups,
    which is `weights` (all filters together) over `output_channels`. Layout of `output_shape` does not matter.
    """
    return elements(output_shape) * (weights // output_channels)


def transposed_convolution_macs(input_shape: Sequence[int], weights: int, input_channels: int) -> int:
    """MACs of a transposed convolution: each input value meets each weight of its own channel once."""
    return elements(input_shape) * (weights // input_channels)


def matmul_macs(output_shape: Sequence[int], inner: int) -> int:
    """MACs of a matrix product or a linear layer: `inner` products for each output value."""
    return elements(output_shape) * inner


def tensor_bytes(shape: Sequence[int], bits: int) -> int:
    """Bytes of a densely packed tensor of `bits` a value, rounded up to a whole byte."""
    return (elements(shape) * bits + 7) // 8
