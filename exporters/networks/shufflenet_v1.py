"""ShuffleNet: grouped 1x1 convolutions with shuffled channels between them.

Zhang et al., CVPR 2018, arXiv:1707.01083. STAGE_CHANNELS is the paper's Table 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from exporters.networks.blocks import AveragePool, ChannelShuffle, ConvNorm, GlobalAveragePool, PositiveMaxPool
from exporters.networks.registry import Number, network, resolution
from foundation.artifact import Published

STAGE_CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # groups: channels of stage 2; each next stage doubles them
REPEATS = (4, 8, 4)
STEM = 24


def _multiple(channels: float, divisor: int) -> int:
    """Channels rounded up, so that groups divide them; the paper's table needs no rounding at width 1."""
    return -(-int(channels) // divisor) * divisor


class Unit(nn.Module):
    """Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; added to the input, or at stride 2 set beside its pool."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int, first_groups: int) -> None:
        super().__init__()
        inner = _multiple(outputs // 4, groups)
        added = outputs if stride == 1 else outputs - inputs
        self.reduce = ConvNorm(inputs, inner, groups=first_groups)
        self.shuffle = ChannelShuffle(groups)
        self.filter = ConvNorm(inner, inner, 3, stride, groups=inner, activation=None)
        self.expand = ConvNorm(inner, added, groups=groups, activation=None)
        self.pool = AveragePool(inputs, 3, 2, 1) if stride == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        branch = self.expand(self.filter(self.shuffle(self.reduce(x))))
        if self.pool is None:
            return F.relu(x + branch)
        # ReLU before the join: the pool of what a ReLU left needs none, and in int8 only one behind a convolution fuses
        return torch.cat((F.relu(branch), self.pool(x)), 1)


MEGVII = "megvii-model/ShuffleNet-Series README.md; params: pytorchcv"
PAPER = "ShuffleNet paper, arXiv:1707.01083, Table 1"


# The paper's Table 1 prints 137 to 143 M multiply-adds for groups 1 to 8, the release 138 M for groups 3 and 8.
@network(
    "shufflenet_v1",
    family="shufflenet",
    input_size=224,
    published=Published(params=1_865_728, macs=138_000_000, top1=67.8, source=MEGVII),
    tags=("all",),
    suffixes={
        "g": Number("groups", 1, 8, choices=tuple(STAGE_CHANNELS)),
        "w": Number("width", 0.5, 2, choices=(0.5, 1, 2)),
        "r": resolution(96, 256),
    },
    variants={
        "g1": Published(params=1_531_936, macs=143_000_000, source=f"{PAPER}; params: pytorchcv"),
        "g2": Published(macs=140_000_000, source=PAPER),
        "g4": Published(macs=133_000_000, source=PAPER),
        "g8": Published(params=2_434_768, macs=138_000_000, top1=68.0, source=MEGVII),
        "w0.5": Published(macs=38_000_000, top1=57.3, source="megvii-model/ShuffleNet-Series README.md"),
        "w2": Published(macs=524_000_000, top1=74.1, source="megvii-model/ShuffleNet-Series README.md"),
    },
)
def shufflenet_v1(groups: int = 3, width: float = 1, classes: int = 1000) -> nn.Module:
    """ShuffleNet with 1x1 convolutions of `groups` groups and every layer's channels times `width`."""
    # Stage 2's first branch leaves outputs - inputs channels, which the groups must divide too.
    channels = _multiple(STEM * width, groups)
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2), PositiveMaxPool(3, 2, 1)]
    for stage, repeats in enumerate(REPEATS):
        outputs = _multiple(STAGE_CHANNELS[groups] * 2**stage * width, groups)
        for index in range(repeats):
            # The stem has too few channels to group (paper, section 3.2).
            first = 1 if stage == 0 and index == 0 else groups
            layers.append(Unit(channels, outputs, 2 if index == 0 else 1, groups, first))
            channels = outputs
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(channels, classes))
