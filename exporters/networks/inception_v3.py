"""Inception v3: factorized convolutions, 299 x 299 pixels.

Szegedy et al., CVPR 2016, arXiv:1512.00567, figures 5 to 7 and Table 1, without the auxiliary head, which
serves training only. The tables name each branch as its convolutions in turn.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, PositiveMaxPool
from exporters.networks.registry import imagenet_preprocessing, network
from foundation.artifact import Published

EPS = 1e-3
Step = tuple[int, int | tuple[int, int]] | tuple[int, int | tuple[int, int], int]
ROW, COLUMN = (1, 7), (7, 1)

Branches = tuple[tuple[Step, ...], ...]  # steps: output channels, kernel[, stride (and no padding)]


def figure_5(pooled: int) -> Branches:
    """35 x 35 pixels: a 5x5 beside two 3x3; the last branch follows an average pool."""
    return (((64, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3)), ((pooled, 1),))


def figure_6(width: int) -> Branches:
    """17 x 17 pixels: 7x7 as rows and columns."""
    return (
        ((192, 1),),
        ((width, 1), (width, ROW), (192, COLUMN)),
        ((width, 1), (width, COLUMN), (width, ROW), (width, COLUMN), (192, ROW)),
        ((192, 1),),
    )


DOWN_35: Branches = (((384, 3, 2),), ((64, 1), (96, 3), (96, 3, 2)))
DOWN_17: Branches = (((192, 1), (320, 3, 2)), ((192, 1), (192, ROW), (192, COLUMN), (192, 3, 2)))


def _chain(inputs: int, steps: tuple[Step, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for outputs, kernel, *stride in steps:
        layers.append(
            ConvNorm(inputs, outputs, kernel, stride[0], padding=0, eps=EPS)
            if stride
            else ConvNorm(inputs, outputs, kernel, eps=EPS)
        )
        inputs = outputs
    return nn.Sequential(*layers)


class Mixed(nn.Module):
    """Branches beside an average pool that keeps the extent, concatenated; the pool feeds the last branch."""

    def __init__(self, inputs: int, branches: Branches) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_chain(inputs, steps) for steps in branches])
        self.pool = nn.AvgPool2d(3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        *direct, pooled = self.branches
        return torch.cat([*(branch(x) for branch in direct), pooled(self.pool(x))], 1)


class Down(nn.Module):
    """Branches of stride 2 beside a max pool, concatenated."""

    def __init__(self, inputs: int, branches: Branches) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_chain(inputs, steps) for steps in branches])
        self.pool = PositiveMaxPool(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(branch(x) for branch in self.branches), self.pool(x)], 1)


class Expanded(nn.Module):
    """Figure 7: 8 x 8 pixels, branches that end in a row and a column side by side."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.direct = ConvNorm(inputs, 320, eps=EPS)
        self.short = ConvNorm(inputs, 384, eps=EPS)
        self.short_row = ConvNorm(384, 384, (1, 3), eps=EPS)
        self.short_column = ConvNorm(384, 384, (3, 1), eps=EPS)
        self.long = _chain(inputs, ((448, 1), (384, 3)))
        self.long_row = ConvNorm(384, 384, (1, 3), eps=EPS)
        self.long_column = ConvNorm(384, 384, (3, 1), eps=EPS)
        self.pooled = ConvNorm(inputs, 192, eps=EPS)
        self.pool = nn.AvgPool2d(3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        short, long = self.short(x), self.long(x)
        ends = (self.short_row(short), self.short_column(short), self.long_row(long), self.long_column(long))
        return torch.cat([self.direct(x), *ends, self.pooled(self.pool(x))], 1)


# torchvision counts 27,161,264 parameters with the auxiliary head; without it 23,834,568.
@network(
    "inception_v3",
    family="inception",
    input_size=299,
    published=Published(
        params=23_834_568, macs=5_713_000_000, top1=77.294, source="torchvision Inception_V3_Weights.IMAGENET1K_V1"
    ),
    tags=("baselines",),
    preprocessing=imagenet_preprocessing(299),
    libraries={"": {"torchvision": "inception_v3", "timm": "inception_v3"}},
)
def inception_v3(classes: int = 1000) -> nn.Module:
    """Inception v3 without its auxiliary head."""
    return nn.Sequential(
        ConvNorm(3, 32, 3, 2, padding=0, eps=EPS),
        ConvNorm(32, 32, 3, padding=0, eps=EPS),
        ConvNorm(32, 64, 3, eps=EPS),
        PositiveMaxPool(3, 2),
        ConvNorm(64, 80, eps=EPS),
        ConvNorm(80, 192, 3, padding=0, eps=EPS),
        PositiveMaxPool(3, 2),
        Mixed(192, figure_5(32)),
        Mixed(256, figure_5(64)),
        Mixed(288, figure_5(64)),
        Down(288, DOWN_35),
        Mixed(768, figure_6(128)),
        Mixed(768, figure_6(160)),
        Mixed(768, figure_6(160)),
        Mixed(768, figure_6(192)),
        Down(768, DOWN_17),
        Expanded(1280),
        Expanded(2048),
        GlobalAveragePool(),
        nn.Linear(2048, classes),
    )
