"""GoogLeNet (Inception v1): four branches of different extents side by side.

Szegedy et al., CVPR 2015, arXiv:1409.4842. MODULES is the paper's Table 1, row for row, without the
auxiliary heads, which serve training only.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, PositiveMaxPool
from exporters.networks.registry import network
from foundation.artifact import Format, Precision, Published

MODULES = (  # 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection; a number: a max pool of that kernel
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    3,
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    2,
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)
EPS = 1e-3
Wrapper = Callable[[nn.Module, int, int, bool], nn.Module]


class SharedInputMaxPool(PositiveMaxPool):
    """A 3x3 max pool of stride 1 over what other branches read as well."""

    def __init__(self) -> None:
        super().__init__(3, 1, 1)

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """At stride 1 this is TFLite's own SAME padding; padded apart, it leaves three transposes a module."""
        del precision
        return nn.MaxPool2d(3, 1, 1) if format == "tflite" else self


class Inception(nn.Module):
    """Four branches, concatenated."""

    def __init__(self, inputs: int, row: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        direct, reduce3, filter3, reduce5, filter5, pooled = row
        self.branches = nn.ModuleList(
            [
                ConvNorm(inputs, direct, eps=EPS),
                nn.Sequential(ConvNorm(inputs, reduce3, eps=EPS), ConvNorm(reduce3, filter3, 3, eps=EPS)),
                # 3x3 where the paper has 5x5: so are the published weights and parameters (torchvision issue 906).
                nn.Sequential(ConvNorm(inputs, reduce5, eps=EPS), ConvNorm(reduce5, filter5, 3, eps=EPS)),
                nn.Sequential(SharedInputMaxPool(), ConvNorm(inputs, pooled, eps=EPS)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet(classes: int = 1000, wrap: Wrapper | None = None) -> nn.Module:
    """GoogLeNet with batch normalization; `wrap(module, inputs, outputs, last)` may put something around a module."""
    layers: list[nn.Module] = [
        ConvNorm(3, 64, 7, 2, eps=EPS),
        PositiveMaxPool(3, 2, ceil_mode=True),
        ConvNorm(64, 64, eps=EPS),
        ConvNorm(64, 192, 3, eps=EPS),
        PositiveMaxPool(3, 2, ceil_mode=True),
    ]
    channels = 192
    for number, row in enumerate(MODULES):
        if isinstance(row, int):
            layers.append(PositiveMaxPool(row, 2, ceil_mode=True))
            continue
        module: nn.Module = Inception(channels, row)
        outputs = row[0] + row[2] + row[4] + row[5]
        if wrap is not None:
            module = wrap(module, channels, outputs, number >= len(MODULES) - 2)
        layers.append(module)
        channels = outputs
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(channels, classes))


network(
    "googlenet",
    family="inception",
    input_size=224,
    published=Published(
        params=6_624_904, macs=1_498_000_000, top1=69.778, source="torchvision GoogLeNet_Weights.IMAGENET1K_V1"
    ),
    tags=("baselines",),
    libraries={"": {"torchvision": "googlenet"}},
)(googlenet)
