"""EfficientNet: one searched network, scaled in width, depth and resolution together.

Tan & Le, ICML 2019, arXiv:1905.11946. STAGES is the paper's Table 1, row for row.
"""

from __future__ import annotations

from math import ceil

from torch import nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, InvertedResidual, SqueezeExcite, make_divisible
from exporters.networks.registry import network, resolution
from foundation.artifact import Published

STAGES = (  # expansion, kernel, output channels, repeats, stride
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
STEM = 32
SE_RATIO = 4  # of a block's input channels


def efficientnet(width: float, depth: float, eps: float = 1e-5, classes: int = 1000) -> nn.Module:
    """EfficientNet with channels times `width` and repeats times `depth`; `eps` of its batch normalization."""
    channels = make_divisible(STEM * width)
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2, activation=nn.SiLU, eps=eps)]
    for expansion, kernel, outputs, repeats, stride in STAGES:
        outputs = make_divisible(outputs * width)
        for index in range(ceil(repeats * depth)):
            expanded = expansion * channels
            layers.append(
                InvertedResidual(
                    channels,
                    expanded,
                    outputs,
                    kernel,
                    stride if index == 0 else 1,
                    activation=nn.SiLU,
                    squeeze_excite=SqueezeExcite(expanded, channels // SE_RATIO, activation=nn.SiLU),
                    eps=eps,
                )
            )
            channels = outputs
    layers.append(ConvNorm(channels, 4 * channels, activation=nn.SiLU, eps=eps))
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(4 * channels, classes))


# MACs and top-1 are torchvision's, but for B2: torchvision evaluates it at 288 pixels, the paper at 260. The paper's
# own MACs are rounded to two digits, and 4 % lower than the layers' at B4 and B5 (4.2 and 9.9 B).
for _level, _width, _depth, _size, _params, _macs, _top1, _eps in (
    (0, 1.0, 1.0, 224, 5_288_548, 386_000_000, 77.692, 1e-5),
    (1, 1.0, 1.1, 240, 7_794_184, 687_000_000, 78.642, 1e-5),
    (2, 1.1, 1.2, 260, 9_109_994, 1_000_000_000, 80.1, 1e-5),
    (3, 1.2, 1.4, 300, 12_233_232, 1_827_000_000, 82.008, 1e-5),
    (4, 1.4, 1.8, 380, 19_341_616, 4_394_000_000, 83.384, 1e-5),
    (5, 1.6, 2.2, 456, 30_389_784, 10_266_000_000, 83.444, 1e-3),
    (6, 1.8, 2.6, 528, 43_040_704, 19_068_000_000, 84.008, 1e-3),
    (7, 2.0, 3.1, 600, 66_347_960, 37_746_000_000, 84.122, 1e-3),
):
    _edition = f"torchvision EfficientNet_B{_level}_Weights.IMAGENET1K_V1"
    network(
        f"efficientnet_b{_level}",
        family="efficientnet",
        input_size=_size,
        published=Published(
            params=_params,
            macs=_macs,
            top1=_top1,
            source=f"EfficientNet paper, Table 2; params: {_edition}" if _level == 2 else _edition,
        ),
        tags=("all",) if _level == 0 else (),
        suffixes={"r": resolution(96, 600)},
        arguments={"width": _width, "depth": _depth, "eps": _eps},
        libraries={"": {"torchvision": f"efficientnet_b{_level}", "timm": f"efficientnet_b{_level}"}},
    )(efficientnet)
