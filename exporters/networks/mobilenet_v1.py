"""MobileNet: depthwise separable convolutions throughout.

Howard et al., 2017, arXiv:1704.04861. SEPARABLE is the paper's Table 1, row for row.
"""

from __future__ import annotations

from torch import nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, make_divisible
from exporters.networks.registry import network, resolution, width
from foundation.artifact import Published

SEPARABLE = (  # output channels, stride of the depthwise convolution
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),  # the paper prints stride 2 here; its output size, 7 x 7, needs 1
)
PAPER = "MobileNet paper, arXiv:1704.04861"
SLIM = "tensorflow/models research/slim/nets/mobilenet_v1.md"


# Parameters are timm's exact count; the paper prints 4.2 M and slim 4.24 M. At width 0.75 slim prints 317 M
# multiply-adds and 2.59 M parameters; the paper's Table 6 has 325 M, which the layers add up to.
@network(
    "mobilenet_v1",
    family="mobilenet",
    input_size=224,
    published=Published(params=4_231_976, macs=569_000_000, top1=70.9, source=f"{SLIM}; params: timm mobilenetv1_100"),
    tags=("all", "first_light"),
    suffixes={"w": width(0.25, 1.0), "r": resolution(128, 224)},
    variants={
        "w0.75": Published(macs=325_000_000, top1=68.4, source=f"{PAPER}, Table 6"),
        "w0.5": Published(macs=150_000_000, top1=63.3, source=SLIM),
        "w0.25": Published(macs=41_000_000, top1=49.8, source=SLIM),
        "r192": Published(macs=418_000_000, source=f"{PAPER}, Table 7"),
        "r160": Published(macs=291_000_000, source=f"{PAPER}, Table 7"),
        "r128": Published(macs=186_000_000, source=f"{PAPER}, Table 7"),
    },
    libraries={"": {"timm": "mobilenetv1_100"}},
)
def mobilenet_v1(width: float = 1.0, classes: int = 1000) -> nn.Module:
    """MobileNet with every layer's channels times `width`."""
    channels = make_divisible(32 * width)
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2, activation=nn.ReLU6)]
    for outputs, stride in SEPARABLE:
        outputs = make_divisible(outputs * width)
        layers.append(ConvNorm(channels, channels, 3, stride, groups=channels, activation=nn.ReLU6))
        layers.append(ConvNorm(channels, outputs, activation=nn.ReLU6))
        channels = outputs
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(channels, classes))
