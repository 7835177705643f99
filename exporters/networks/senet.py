"""SENet: squeeze-and-excitation inside ResNet-50, ResNeXt-50 and GoogLeNet.

Hu et al., CVPR 2018, arXiv:1709.01507v4. Reduction ratios are those of its Table 10, placements those of its figure 5
and Table 14; leaving the last stage without gates costs little accuracy and saves parameters (section 4).
"""

from __future__ import annotations

from torch import nn

from exporters.networks.blocks import SqueezeExcite
from exporters.networks.googlenet import googlenet
from exporters.networks.registry import Number, network
from exporters.networks.resnet import resnet
from foundation.artifact import Published

REDUCTION = 16
RATIO = {"ratio": Number("reduction", 2, 32, choices=(2, 4, 8, 16, 32))}
PLACEMENTS = {name: {"placement": name} for name in ("pre", "post", "identity")}
NO_LAST = {"nolast": {"last_stage": False}}


def se_resnet(
    groups: int = 1,
    classes: int = 1000,
    reduction: int = REDUCTION,
    placement: str = "standard",
    last_stage: bool = True,
) -> nn.Module:
    """SE-ResNet-50, or SE-ResNeXt-50 32x4d with 32 groups."""

    def gate(channels: int, last: bool) -> nn.Module:
        return SqueezeExcite(channels, channels // reduction) if last_stage or not last else nn.Identity()

    return resnet(50, classes, groups, gate, placement)


def se_googlenet(
    classes: int = 1000, reduction: int = REDUCTION, placement: str = "standard", last_stage: bool = True
) -> nn.Module:
    """GoogLeNet with a gate on each module's output, or with "pre" on its input; it has no identity to gate."""

    def wrap(module: nn.Module, inputs: int, outputs: int, last: bool) -> nn.Module:
        if last and not last_stage:
            return module
        if placement == "pre":
            return nn.Sequential(SqueezeExcite(inputs, inputs // reduction), module)
        return nn.Sequential(module, SqueezeExcite(outputs, outputs // reduction))

    return googlenet(classes, wrap)


# Top-1 of the authors' Caffe models at 224 pixels. Parameters as in timm, which has biases in the gates' layers.
SENET = "hujie-frank/SENet README.md, Table 1"
for _name, _groups, _params, _macs, _top1, _counted in (
    ("se_resnet50", 1, 28_088_024, 4_110_000_000, 77.63, "timm seresnet50"),
    ("se_resnext50_32x4d", 32, 27_559_896, 4_260_000_000, 79.03, "timm seresnext50_32x4d"),
):
    network(
        _name,
        family="senet",
        input_size=224,
        published=Published(
            params=_params, macs=_macs, top1=_top1, source=f"{SENET}; params and MACs: {_counted} at 224 pixels"
        ),
        tags=("baselines",),
        suffixes={**RATIO, **PLACEMENTS, **NO_LAST},
        variants=dict.fromkeys((*PLACEMENTS, "nolast", "ratio2", "ratio4", "ratio8", "ratio32")),
        arguments={"groups": _groups},
        libraries={"": {"timm": _counted.removeprefix("timm ")}},
    )(se_resnet)

network(
    "se_googlenet",
    family="senet",
    input_size=224,
    tags=("baselines",),
    suffixes={**RATIO, "pre": PLACEMENTS["pre"], **NO_LAST},
    variants=dict.fromkeys(("pre", "nolast")),
)(se_googlenet)
