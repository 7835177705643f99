"""ResNet: residual units.

He et al., CVPR 2016, arXiv:1512.03385, Table 1. Bottlenecks stride in their 3x3 convolution, as in torchvision and
the reference training of Goyal et al., 2017, not in their first 1x1.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, PositiveMaxPool
from exporters.networks.registry import network
from foundation.artifact import Published

REPEATS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}  # units of the four stages
Gate = Callable[[int, bool], nn.Module]  # of how many channels, in the last stage or not


class Residual(nn.Module):
    """relu(branch(x) + shortcut(x)), with gates at the four places that SENet's figure 5 compares.

    `standard` gates the branch's output, `pre` the input of the branch, `identity` the shortcut, `post` the sum.
    """

    def __init__(
        self,
        branch: nn.Sequential,
        inputs: int,
        outputs: int,
        stride: int,
        gate: Callable[[int], nn.Module] | None = None,
        placement: str = "standard",
    ) -> None:
        super().__init__()
        layers = list(branch)
        self.gate: nn.Module | None = None
        if gate is not None and placement == "pre":
            layers.insert(0, gate(inputs))
        elif gate is not None and placement == "standard":
            layers.append(gate(outputs))
        elif gate is not None:
            self.gate = gate(outputs)
        self.branch = nn.Sequential(*layers)
        self.placement = placement
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = ConvNorm(inputs, outputs, 1, stride, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut(x)
        if self.gate is None:
            return F.relu(self.branch(x) + shortcut)
        if self.placement == "identity":
            return F.relu(self.branch(x) + self.gate(shortcut))
        gated: Tensor = self.gate(F.relu(self.branch(x) + shortcut))
        return gated


def basic(inputs: int, width: int, stride: int, groups: int) -> tuple[nn.Sequential, int]:
    """Two 3x3 convolutions, and their output channels."""
    del groups
    return nn.Sequential(ConvNorm(inputs, width, 3, stride), ConvNorm(width, width, 3, activation=None)), width


def bottleneck(inputs: int, width: int, stride: int, groups: int) -> tuple[nn.Sequential, int]:
    """1x1, 3x3 and 1x1 to four times the width, and the output channels; 32 groups of 4 channels make it ResNeXt's."""
    inner = width if groups == 1 else width * 4 * groups // 64
    layers = (
        ConvNorm(inputs, inner),
        ConvNorm(inner, inner, 3, stride, groups=groups),
        ConvNorm(inner, 4 * width, activation=None),
    )
    return nn.Sequential(*layers), 4 * width


def resnet(
    depth: int, classes: int = 1000, groups: int = 1, gate: Gate | None = None, placement: str = "standard"
) -> nn.Module:
    """ResNet of 18 or 50 layers; 32 groups make ResNeXt 32x4d; `gate(channels, last_stage)` is put at `placement`."""
    unit = basic if depth < 50 else bottleneck
    layers: list[nn.Module] = [ConvNorm(3, 64, 7, 2), PositiveMaxPool(3, 2, 1)]
    channels = 64
    for stage, repeats in enumerate(REPEATS[depth]):
        for index in range(repeats):
            stride = 2 if stage > 0 and index == 0 else 1
            branch, outputs = unit(channels, 64 << stage, stride, groups)
            gated = None if gate is None else (lambda width, last=stage == 3: gate(width, last))
            layers.append(Residual(branch, channels, outputs, stride, gated, placement))
            channels = outputs
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(channels, classes))


for _depth, _params, _macs, _top1, _edition in (
    (18, 11_689_512, 1_814_000_000, 69.758, "ResNet18_Weights.IMAGENET1K_V1"),
    (50, 25_557_032, 4_089_000_000, 76.130, "ResNet50_Weights.IMAGENET1K_V1"),
):
    network(
        f"resnet{_depth}",
        family="resnet",
        input_size=224,
        published=Published(params=_params, macs=_macs, top1=_top1, source=f"torchvision {_edition}"),
        tags=("baselines",),
        arguments={"depth": _depth},
        libraries={"": {"torchvision": f"resnet{_depth}", "timm": f"resnet{_depth}"}},
    )(resnet)
