"""A linear layer over all pixels, and the form it takes where a file holds channels inside."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from foundation.artifact import Format, Precision


class PixelsLinear(nn.Linear):
    """A linear layer that sees every pixel of `channels` channels: (N, C, H, W) flattened channel by channel."""

    def __init__(self, channels: int, side: int, outputs: int) -> None:
        super().__init__(channels * side * side, outputs)
        self.channels, self.side = channels, side

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.flatten(1), self.weight, self.bias)

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """TFLite's pixels stand outside: flattening channel by channel would transpose them first."""
        del precision
        return ChannelsLastLinear(self) if format == "tflite" else self


class ChannelsLastLinear(nn.Module):
    """PixelsLinear over pixels flattened in TFLite's order, its weights in the same one."""

    def __init__(self, layer: PixelsLinear) -> None:
        super().__init__()
        self.linear = copy.deepcopy(layer)
        shape = (layer.out_features, layer.channels, layer.side, layer.side)
        self.linear.weight.data = layer.weight.data.reshape(shape).permute(0, 2, 3, 1).flatten(1).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.permute(0, 2, 3, 1).flatten(1), self.linear.weight, self.linear.bias)
