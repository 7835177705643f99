"""AlexNet: five convolutions, three wide linear layers.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997: the
one-tower form, as in torchvision. (The 2012 paper's two towers have 60,965,224 parameters.)
"""

from __future__ import annotations

from torch import nn

from exporters.networks.blocks import PositiveMaxPool
from exporters.networks.flatten import PixelsLinear
from exporters.networks.registry import network
from foundation.artifact import Published

CONVOLUTIONS = (  # output channels, kernel, stride, padding, pool after
    (64, 11, 4, 2, True),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)
HIDDEN = 4096


@network(
    "alexnet",
    family="alexnet",
    input_size=224,
    published=Published(
        params=61_100_840, macs=714_000_000, top1=56.522, source="torchvision AlexNet_Weights.IMAGENET1K_V1"
    ),
    tags=("baselines",),
    libraries={"": {"torchvision": "alexnet"}},
)
def alexnet(classes: int = 1000) -> nn.Module:
    """AlexNet; the last pool leaves 6 x 6 pixels, as the first linear layer needs."""
    layers: list[nn.Module] = []
    channels = 3
    for outputs, kernel, stride, padding, pooled in CONVOLUTIONS:
        layers += [nn.Conv2d(channels, outputs, kernel, stride, padding), nn.ReLU()]
        if pooled:
            layers.append(PositiveMaxPool(3, 2))
        channels = outputs
    return nn.Sequential(
        *layers,
        PixelsLinear(channels, 6, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, classes),
    )
