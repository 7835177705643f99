"""ShuffleNetV2: equal channel widths, no groups, split and shuffle instead of addition.

Ma et al., ECCV 2018, arXiv:1807.11164. STAGE_CHANNELS is the paper's Table 5, column for column.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exporters.networks.blocks import ChannelShuffle, ConvNorm, GlobalAveragePool, PositiveMaxPool
from exporters.networks.registry import network, resolution
from exporters.networks.shufflenet_v2_export import UnshuffledShuffleNetV2
from foundation.artifact import Format, Precision, Published

STEM = 24
REPEATS = (4, 8, 4)  # units of stages 2, 3 and 4, the first of each with stride 2
STAGE_CHANNELS = {  # width: stages 2, 3, 4 and the last convolution
    "0.5": (48, 96, 192, 1024),
    "1.0": (116, 232, 464, 1024),
    "1.5": (176, 352, 704, 1024),
    "2.0": (244, 488, 976, 2048),
}


def _branch(inputs: int, channels: int, stride: int) -> list[nn.Module]:
    return [
        ConvNorm(inputs, channels),
        ConvNorm(channels, channels, 3, stride, groups=channels, activation=None),
        ConvNorm(channels, channels),
    ]


class BasicUnit(nn.Module):
    """Half of the channels pass, the other half is filtered; figure 3(c)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*_branch(channels // 2, channels // 2, 1))
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        passing, filtered = x.chunk(2, 1)
        return self.shuffle(torch.cat((passing, self.branch(filtered)), 1))


class DownUnit(nn.Module):
    """Both branches see all channels and halve the extent; figure 3(d)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.short_branch = nn.Sequential(
            ConvNorm(inputs, inputs, 3, 2, groups=inputs, activation=None), ConvNorm(inputs, half)
        )
        self.branch = nn.Sequential(*_branch(inputs, half, 2))
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(torch.cat((self.short_branch(x), self.branch(x)), 1))


class ShuffleNetV2(nn.Sequential):
    """Stem, pool, three stages of units, a last convolution, mean and classifier."""

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """In TFLite each shuffle is a transpose, slower than gathering channels in another order."""
        del precision
        return UnshuffledShuffleNetV2(self) if format == "tflite" else self


def shufflenet_v2(width: str, classes: int = 1000) -> nn.Module:
    """ShuffleNetV2 of one column of the paper's table."""
    layers: list[nn.Module] = [ConvNorm(3, STEM, 3, 2), PositiveMaxPool(3, 2, 1)]
    channels = STEM
    *stages, last = STAGE_CHANNELS[width]
    for outputs, repeats in zip(stages, REPEATS, strict=True):
        units = [BasicUnit(outputs) for _ in range(repeats - 1)]
        layers.append(nn.Sequential(DownUnit(channels, outputs), *units))
        channels = outputs
    return ShuffleNetV2(*layers, ConvNorm(channels, last), GlobalAveragePool(), nn.Linear(last, classes))


# MACs as the paper's Table 8 prints them; at 2.0 torchvision counts 583 M, 1.4 % below the paper's 591 M.
MEGVII = "megvii-model/ShuffleNet-Series README.md; params: torchvision"
for _width, _params, _macs, _top1 in (
    ("0.5", 1_366_792, 41_000_000, 61.1),
    ("1.0", 2_278_604, 146_000_000, 69.4),
    ("1.5", 3_503_624, 299_000_000, 72.6),
    ("2.0", 7_393_996, 591_000_000, 75.0),
):
    _name = f"shufflenet_v2_x{_width.replace('.', '_')}"
    network(
        _name,
        family="shufflenet",
        input_size=224,
        published=Published(params=_params, macs=_macs, top1=_top1, source=MEGVII),
        tags=("all", "first_light") if _width == "1.0" else (),
        suffixes={"r": resolution(96, 256)},
        arguments={"width": _width},
        libraries={"": {"torchvision": _name}},
    )(shufflenet_v2)
