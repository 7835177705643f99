"""VGG-16: sixteen layers of 3x3 convolutions and three of linear ones.

Simonyan & Zisserman, ICLR 2015, arXiv:1409.1556. STAGES is column D of the paper's Table 1.
"""

from __future__ import annotations

from torch import nn

from exporters.networks.blocks import PositiveMaxPool
from exporters.networks.flatten import PixelsLinear
from exporters.networks.registry import network
from foundation.artifact import Published

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # output channels, convolutions; a pool follows each
HIDDEN = 4096


@network(
    "vgg16",
    family="vgg",
    input_size=224,
    published=Published(
        params=138_357_544, macs=15_470_000_000, top1=71.592, source="torchvision VGG16_Weights.IMAGENET1K_V1"
    ),
    tags=("baselines",),
    libraries={"": {"torchvision": "vgg16"}},  # timm writes the linear layers as convolutions
)
def vgg16(classes: int = 1000) -> nn.Module:
    """VGG-16 without batch normalization."""
    layers: list[nn.Module] = []
    channels = 3
    for outputs, repeats in STAGES:
        for _ in range(repeats):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU()]
            channels = outputs
        layers.append(PositiveMaxPool(2, 2))
    return nn.Sequential(
        *layers,
        PixelsLinear(channels, 7, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, classes),
    )
