"""EfficientNet-Lite: EfficientNet without squeeze-and-excite and swish, for integer hardware.

Google's release, tensorflow/tpu models/official/efficientnet/lite; scaling of Tan & Le, ICML 2019,
arXiv:1905.11946. The stages are EfficientNet-B0's Table 1; stem and head are not scaled.
"""

from __future__ import annotations

from math import ceil

from torch import nn

from exporters.networks.blocks import ConvNorm, GlobalAveragePool, InvertedResidual, make_divisible
from exporters.networks.registry import network, resolution
from exporters.weights import efficientnet_lite_from_package, efficientnet_lite_weights
from foundation.artifact import Preprocessing, Published

STAGES = (  # expansion, kernel, output channels, repeats, stride
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
STEM, HEAD = 32, 1280
EPS = 1e-3


def efficientnet_lite(width: float, depth: float, classes: int = 1000) -> nn.Module:
    """EfficientNet-Lite with channels times `width` and repeats times `depth`, but for the first and last stage.

    Padded as TensorFlow's SAME, which the released weights expect.
    """
    channels = STEM
    layers: list[nn.Module] = [ConvNorm(3, channels, 3, 2, activation=nn.ReLU6, padding="same", eps=EPS)]
    for number, (expansion, kernel, outputs, repeats, stride) in enumerate(STAGES):
        outputs = make_divisible(outputs * width)
        first_or_last = number in (0, len(STAGES) - 1)
        for index in range(repeats if first_or_last else ceil(repeats * depth)):
            layers.append(
                InvertedResidual(
                    channels,
                    expansion * channels,
                    outputs,
                    kernel,
                    stride if index == 0 else 1,
                    padding="same",
                    eps=EPS,
                )
            )
            channels = outputs
    layers.append(ConvNorm(channels, HEAD, activation=nn.ReLU6, eps=EPS))
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(HEAD, classes))


# The release prints 407, 631, 899, 1440 and 2640 M "FLOPs", which are no MACs: they are what the layers' MACs
# (385, 600, 860, 1383, 2553 M) and 3 operations for each BatchNorm output add up to, within 0.4 %. So no published
# MACs here. Lite3 and Lite4 run at 280 and 300 pixels as released; timm evaluates them at 300 and 380.
LITE = "tensorflow/tpu models/official/efficientnet/lite/README.md"
for _level, _width, _depth, _size, _params, _top1 in (
    (0, 1.0, 1.0, 224, 4_652_008, 75.1),
    (1, 1.0, 1.1, 240, 5_416_680, 76.7),
    (2, 1.1, 1.2, 260, 6_092_072, 77.6),
    (3, 1.2, 1.4, 280, 8_197_096, 79.8),
    (4, 1.4, 1.8, 300, 13_006_568, 81.5),
):
    _packaged = _level <= 2
    network(
        f"efficientnet_lite{_level}",
        family="efficientnet_lite",
        input_size=_size,
        published=Published(params=_params, top1=_top1, source=f"{LITE}; params: timm tf_efficientnet_lite{_level}"),
        tags=("all", "first_light") if _level == 0 else (),
        suffixes={"r": resolution(96, 320)},
        arguments={"width": _width, "depth": _depth},
        libraries={"": {"timm": f"tf_efficientnet_lite{_level}"}},
        preprocessing=Preprocessing(
            size=_size,
            crop=0.875,
            interpolation="bicubic",
            channel_order="RGB",
            mean=(127.0, 127.0, 127.0),
            scale=(128.0, 128.0, 128.0),
        ),
        pretrained=efficientnet_lite_from_package(_level) if _packaged else None,
        weights=efficientnet_lite_weights(_level) if _packaged else None,
    )(efficientnet_lite)
