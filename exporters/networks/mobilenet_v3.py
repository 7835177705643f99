"""MobileNetV3: searched inverted residuals, hard-swish, a cheap last stage.

Howard et al., ICCV 2019, arXiv:1905.02244. LARGE and SMALL are the paper's Tables 1 and 2, row for row.
The switches undo one idea each, for the ablations of the paper's section 6.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from exporters.networks.blocks import (
    ConvNorm,
    GlobalAveragePool,
    HardSwish,
    InvertedResidual,
    SqueezeExcite,
    make_divisible,
)
from exporters.networks.registry import network, resolution, width
from foundation.artifact import Published

Nonlinearity = Literal["hard_swish", "relu", "swish"]

LARGE = (  # kernel, expanded, outputs, squeeze-and-excite, hard-swish, stride
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
SMALL = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
STEM = 16
HIDDEN = {LARGE: 1280, SMALL: 1024}  # channels of the layer before the classifier
ACTIVATIONS = {"hard_swish": HardSwish, "relu": nn.ReLU, "swish": nn.SiLU}
EPS = 1e-3  # of every BatchNorm, as in the reference code and torchvision
PAPER = "MobileNetV3 paper, arXiv:1905.02244v5"
SLIM = "tensorflow/models research/slim/nets/mobilenet/README.md"
ABLATIONS = {
    "oldtail": {"original_last_stage": True},
    "stem32": {"stem": 32},
    "relu": {"nonlinearity": "relu"},
    "swish": {"nonlinearity": "swish"},
    "nose": {"squeeze_excite": False},
}


def mobilenet_v3(
    table: tuple[tuple[int, int, int, bool, bool, int], ...],
    width: float = 1.0,
    classes: int = 1000,
    nonlinearity: Nonlinearity = "hard_swish",
    squeeze_excite: bool = True,
    stem: int = STEM,
    original_last_stage: bool = False,
) -> nn.Module:
    """MobileNetV3 of the rows in `table`, every layer's channels times `width`.

    `nonlinearity` takes hard-swish's place wherever the table has it. `original_last_stage` puts
    the wide 1x1 layers before the pool, behind one more bottleneck's expansion, filter and projection
    (figure 5, top).
    """
    activation = ACTIVATIONS[nonlinearity]
    channels = make_divisible(stem * width)
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2, activation=activation, eps=EPS)]
    unscaled = STEM
    for kernel, expanded, unscaled_outputs, gated, hard, stride in table:
        # The expansion's ratio is kept and its input scaled, as in slim and timm; torchvision scales its width.
        expanded = make_divisible(channels * expanded / unscaled)
        unscaled, outputs = unscaled_outputs, make_divisible(unscaled_outputs * width)
        gate = None
        if gated and squeeze_excite:
            gate = SqueezeExcite(expanded, make_divisible(expanded // 4), gate=nn.Hardsigmoid)
        layers.append(
            InvertedResidual(
                channels,
                expanded,
                outputs,
                kernel,
                stride,
                activation=activation if hard else nn.ReLU,
                squeeze_excite=gate,
                eps=EPS,
            )
        )
        channels = outputs
    hidden = make_divisible(HIDDEN[table] * max(1.0, width))  # as in slim: never below the paper's
    if original_last_stage:
        layers += [
            InvertedResidual(channels, 6 * channels, 2 * channels, activation=activation, eps=EPS),
            ConvNorm(2 * channels, hidden, activation=activation, eps=EPS),
            GlobalAveragePool(),
        ]
    else:
        layers += [
            ConvNorm(channels, 6 * channels, activation=activation, eps=EPS),
            GlobalAveragePool(),
            nn.Linear(6 * channels, hidden),
            activation(),
        ]
    return nn.Sequential(*layers, nn.Linear(hidden, classes))


# Table 3 of v5 prints 219 M and 56 M multiply-adds; slim's README 217 M and, for small, 66 M and 2.9 M
# parameters, which no released model has; torchvision counts 217 M and 57 M.
network(
    "mobilenet_v3_large",
    family="mobilenet",
    input_size=224,
    published=Published(params=5_483_032, macs=217_000_000, top1=75.2, source=f"{SLIM}; params: torchvision"),
    tags=("all", "first_light"),
    suffixes={"w": width(0.35, 1.25), "r": resolution(96, 256), **ABLATIONS},
    variants={
        "w0.75": Published(
            params=3_993_528, macs=155_000_000, top1=73.3, source=f"{SLIM}; params: timm mobilenetv3_large_075"
        ),
        **dict.fromkeys(ABLATIONS),
    },
    arguments={"table": LARGE},
    libraries={
        "": {"torchvision": "mobilenet_v3_large", "timm": "mobilenetv3_large_100"},
        "w0.75": {"timm": "mobilenetv3_large_075"},
    },
)(mobilenet_v3)

network(
    "mobilenet_v3_small",
    family="mobilenet",
    input_size=224,
    published=Published(params=2_542_856, macs=56_000_000, top1=67.4, source=f"{PAPER}, Table 3; params: torchvision"),
    tags=("all", "first_light"),
    suffixes={"w": width(0.35, 1.25), "r": resolution(96, 256), **ABLATIONS},
    variants={
        "w0.75": Published(
            params=2_041_872, macs=44_000_000, top1=65.4, source=f"{SLIM}; params: timm mobilenetv3_small_075"
        ),
        **dict.fromkeys(ABLATIONS),
    },
    arguments={"table": SMALL},
    libraries={
        "": {"torchvision": "mobilenet_v3_small", "timm": "mobilenetv3_small_100"},
        "w0.75": {"timm": "mobilenetv3_small_075"},
    },
)(mobilenet_v3)
