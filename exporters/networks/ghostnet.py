"""GhostNet: half of each layer's features made cheaply from the other half.

Han et al., CVPR 2020, arXiv:1911.11907. BOTTLENECKS is the paper's Table 1, row for row.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, SqueezeExcite, make_divisible
from exporters.networks.registry import network, resolution, width
from foundation.artifact import Published

BOTTLENECKS = (  # kernel, expanded, outputs, squeeze-and-excite, stride
    (3, 16, 16, False, 1),
    (3, 48, 24, False, 2),
    (3, 72, 24, False, 1),
    (5, 72, 40, True, 2),
    (5, 120, 40, True, 1),
    (3, 240, 80, False, 2),
    (3, 200, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 480, 112, True, 1),
    (3, 672, 112, True, 1),
    (5, 672, 160, True, 2),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
)
STEM, LAST, HIDDEN = 16, 960, 1280
DIVISOR = 4


class GhostModule(nn.Module):
    """A 1x1 convolution to half of the outputs, and a depthwise 3x3 of those for the other half; figure 2."""

    def __init__(self, inputs: int, outputs: int, activated: bool) -> None:
        super().__init__()
        activation = nn.ReLU if activated else None
        intrinsic = -(-outputs // 2)
        self.primary = ConvNorm(inputs, intrinsic, activation=activation)
        self.cheap = ConvNorm(intrinsic, intrinsic, 3, groups=intrinsic, activation=activation)
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        primary = self.primary(x)
        both = torch.cat((primary, self.cheap(primary)), 1)
        return both if both.shape[1] == self.outputs else both[:, : self.outputs]


class GhostBottleneck(nn.Module):
    """Expand by one ghost module, filter if it strides, gate, project by another; figure 3."""

    def __init__(self, inputs: int, expanded: int, outputs: int, kernel: int, stride: int, gated: bool) -> None:
        super().__init__()
        branch: list[nn.Module] = [GhostModule(inputs, expanded, activated=True)]
        if stride == 2:
            branch.append(ConvNorm(expanded, expanded, kernel, 2, groups=expanded, activation=None))
        if gated:
            branch.append(SqueezeExcite(expanded, make_divisible(expanded / 4, DIVISOR), gate=nn.Hardsigmoid))
        branch.append(GhostModule(expanded, outputs, activated=False))
        self.branch = nn.Sequential(*branch)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                ConvNorm(inputs, inputs, kernel, stride, groups=inputs, activation=None),
                ConvNorm(inputs, outputs, activation=None),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)


PAPER = "GhostNet paper, arXiv:1911.11907, Table 7"


# The paper prints 141 M, the authors' repository 142 M at width 1.
@network(
    "ghostnet",
    family="ghostnet",
    input_size=224,
    published=Published(
        params=5_182_508, macs=142_000_000, top1=73.98, source="huawei-noah Efficient-AI-Backbones; params: timm"
    ),
    tags=("all",),
    suffixes={"w": width(0.5, 1.3), "r": resolution(96, 256)},
    variants={
        "w0.5": Published(params=2_587_292, macs=42_000_000, top1=66.2, source=f"{PAPER}; params: timm ghostnet_050"),
        "w1.3": Published(params=7_358_820, macs=226_000_000, top1=75.7, source=f"{PAPER}; params: timm ghostnet_130"),
    },
    libraries={
        "": {"timm": "ghostnet_100"},
        "w0.5": {"timm": "ghostnet_050"},
        "w1.3": {"timm": "ghostnet_130"},
    },
)
def ghostnet(width: float = 1.0, classes: int = 1000) -> nn.Module:
    """GhostNet with every bottleneck's channels times `width`."""
    channels = make_divisible(STEM * width, DIVISOR)
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2)]
    for kernel, expanded, outputs, gated, stride in BOTTLENECKS:
        expanded, outputs = make_divisible(expanded * width, DIVISOR), make_divisible(outputs * width, DIVISOR)
        layers.append(GhostBottleneck(channels, expanded, outputs, kernel, stride, gated))
        channels = outputs
    last = make_divisible(LAST * width, DIVISOR)
    return nn.Sequential(
        *layers,
        ConvNorm(channels, last),
        GlobalAveragePool(),
        nn.Linear(last, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, classes),
    )
