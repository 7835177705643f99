"""MobileNetV2: inverted residuals and linear bottlenecks.

Sandler et al., CVPR 2018, arXiv:1801.04381. STAGES is the paper's Table 2, row for row.
"""

from __future__ import annotations

from torch import nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, InvertedResidual, make_divisible
from exporters.networks.registry import network, resolution, width
from foundation.artifact import Published

STAGES = (  # expansion, channels, repeats, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
SLIM = "tensorflow/models research/slim/nets/mobilenet/README.md"


# Parameters: torchvision mobilenet_v2 (3,504,872); the paper prints 3.4 M, slim 3.47 M.
@network(
    "mobilenet_v2",
    family="mobilenet",
    input_size=224,
    published=Published(params=3_504_872, macs=300_000_000, top1=71.8, source=f"{SLIM}; params: torchvision"),
    tags=("all", "first_light"),
    suffixes={"w": width(0.35, 1.4), "r": resolution(96, 224)},
    variants={
        "w0.35": Published(
            params=1_677_128, macs=59_000_000, top1=60.3, source=f"{SLIM}; params: timm mobilenetv2_035"
        ),
        "w0.5": Published(macs=97_000_000, top1=65.4, source=SLIM),
        "w0.75": Published(macs=209_000_000, top1=69.8, source=SLIM),
        "w1.4": Published(
            params=6_108_776, macs=582_000_000, top1=75.0, source=f"{SLIM}; params: timm mobilenetv2_140"
        ),
        "r192": Published(macs=221_000_000, top1=70.7, source=SLIM),
        "r160": Published(macs=154_000_000, top1=68.8, source=SLIM),
        "r128": Published(macs=99_000_000, top1=65.3, source=SLIM),
        "r96": Published(macs=56_000_000, top1=60.3, source=SLIM),
    },
    libraries={
        "": {"torchvision": "mobilenet_v2", "timm": "mobilenetv2_100"},
        "w0.35": {"timm": "mobilenetv2_035"},
        "w0.5": {"timm": "mobilenetv2_050"},
        "w0.75": {"timm": "mobilenetv2_075"},
        "w1.4": {"timm": "mobilenetv2_140"},
    },
)
def mobilenet_v2(width: float = 1.0, classes: int = 1000) -> nn.Module:
    """MobileNetV2 with every bottleneck's channels times `width`; the last layer never shrinks below 1280."""
    channels = make_divisible(32 * width)
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2, activation=nn.ReLU6)]
    for expansion, outputs, repeats, stride in STAGES:
        outputs = make_divisible(outputs * width)
        for index in range(repeats):
            layers.append(InvertedResidual(channels, expansion * channels, outputs, stride=stride if index == 0 else 1))
            channels = outputs
    last = make_divisible(1280 * max(1.0, width))
    layers.append(ConvNorm(channels, last, activation=nn.ReLU6))
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(last, classes))
