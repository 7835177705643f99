"""MnasNet: searched for latency on a phone.

Tan et al., CVPR 2019, arXiv:1807.11626. A1 is the paper's figure 7, with squeeze-and-excitation; B1 is the search
without it.
"""

from __future__ import annotations

from torch import nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, InvertedResidual, SqueezeExcite, make_divisible
from exporters.networks.registry import network, resolution, width
from foundation.artifact import Published

A1 = (  # expansion, kernel, output channels, repeats, stride, squeeze-and-excite
    (6, 3, 24, 2, 2, False),
    (3, 5, 40, 3, 2, True),
    (6, 3, 80, 4, 2, False),
    (6, 3, 112, 2, 1, True),
    (6, 5, 160, 3, 2, True),
    (6, 3, 320, 1, 1, False),
)
B1 = (
    (3, 3, 24, 3, 2, False),
    (3, 5, 40, 3, 2, False),
    (6, 5, 80, 3, 2, False),
    (6, 3, 96, 2, 1, False),
    (6, 5, 192, 4, 2, False),
    (6, 3, 320, 1, 1, False),
)
STEM, SEPARABLE, HEAD = 32, 16, 1280
SE_RATIO = 4  # of a block's input channels


def mnasnet(
    stages: tuple[tuple[int, int, int, int, int, bool], ...], width: float = 1.0, classes: int = 1000
) -> nn.Module:
    """MnasNet of one table, with channels times `width` but for the last convolution."""
    channels, outputs = make_divisible(STEM * width), make_divisible(SEPARABLE * width)
    layers: list[nn.Module] = [
        ConvNorm(3, channels, 3, 2),
        ConvNorm(channels, channels, 3, groups=channels),
        ConvNorm(channels, outputs, activation=None),
    ]
    channels = outputs
    for expansion, kernel, outputs, repeats, stride, gated in stages:
        outputs = make_divisible(outputs * width)
        for index in range(repeats):
            expanded = expansion * channels
            layers.append(
                InvertedResidual(
                    channels,
                    expanded,
                    outputs,
                    kernel,
                    stride if index == 0 else 1,
                    activation=nn.ReLU,
                    squeeze_excite=SqueezeExcite(expanded, channels // SE_RATIO) if gated else None,
                )
            )
            channels = outputs
    return nn.Sequential(*layers, ConvNorm(channels, HEAD), GlobalAveragePool(), nn.Linear(HEAD, classes))


# The paper prints 3.9 M and 312 M multiply-adds for A1; its repository's README 315.2 M (and 312 M in its text).
network(
    "mnasnet_a1",
    family="mnasnet",
    input_size=224,
    published=Published(
        params=3_887_038,
        macs=315_200_000,
        top1=75.2,
        source="tensorflow/tpu models/official/mnasnet/README.md; params: timm semnasnet_100",
    ),
    tags=("all",),
    suffixes={"w": width(0.35, 1.4), "r": resolution(96, 224)},
    arguments={"stages": A1},
    libraries={"": {"timm": "semnasnet_100"}},
)(mnasnet)

network(
    "mnasnet_b1",
    family="mnasnet",
    input_size=224,
    published=Published(
        params=4_383_312, macs=314_000_000, top1=73.456, source="torchvision MNASNet1_0_Weights.IMAGENET1K_V1"
    ),
    tags=("all",),
    suffixes={"w": width(0.35, 1.4), "r": resolution(96, 224)},
    variants={
        "w0.5": Published(
            params=2_218_512, macs=104_000_000, top1=67.734, source="torchvision MNASNet0_5_Weights.IMAGENET1K_V1"
        ),
        "w0.75": Published(
            params=3_170_208, macs=215_000_000, top1=71.180, source="torchvision MNASNet0_75_Weights.IMAGENET1K_V1"
        ),
        "w1.3": Published(
            params=6_282_256, macs=526_000_000, top1=76.506, source="torchvision MNASNet1_3_Weights.IMAGENET1K_V1"
        ),
    },
    arguments={"stages": B1},
    libraries={
        "": {"torchvision": "mnasnet1_0", "timm": "mnasnet_100"},
        "w0.5": {"torchvision": "mnasnet0_5"},
        "w0.75": {"torchvision": "mnasnet0_75"},
        "w1.3": {"torchvision": "mnasnet1_3"},
    },
)(mnasnet)
