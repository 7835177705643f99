"""The blocks that several papers share, and the forms they take when exported.

A module whose best form depends on the file it goes into has a method
`export_form(format, precision) -> nn.Module`. The exporter replaces it in a copy of the network; its
float output stays equal to 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foundation.artifact import Format, Precision

Activation = Callable[[], nn.Module]


def make_divisible(channels: float, divisor: int = 8, minimum: int | None = None, round_down_limit: float = 0.9) -> int:
    """Channels rounded to the nearest multiple of `divisor`, never below 90 % of what was asked.

    MobileNet's reference code, tensorflow/models research/slim/nets/mobilenet/mobilenet.py.
    """
    rounded = max(minimum or divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < round_down_limit * channels else rounded


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalization, and an activation unless it is None.

    `padding=None` keeps the extent at stride 1 (half the kernel on each side), "same" pads as TensorFlow does.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        activation: Activation | None = nn.ReLU,
        padding: int | tuple[int, int] | str | None = None,
        eps: float = 1e-5,
    ) -> None:
        sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        convolution: nn.Module
        if padding == "same":
            convolution = SameConv2d(inputs, outputs, sides, stride, groups=groups, bias=False)
        else:
            margin = padding if padding is not None else (sides[0] // 2, sides[1] // 2)
            convolution = nn.Conv2d(inputs, outputs, sides, stride, margin, groups=groups, bias=False)
        layers = [convolution, nn.BatchNorm2d(outputs, eps=eps)]
        if activation is not None:
            layers.append(activation())
        super().__init__(*layers)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: the odd pixel goes to the right and the bottom."""

    def forward(self, input: Tensor) -> Tensor:
        bottom_up: list[int] = []
        for extent, kernel, stride in zip(input.shape[-2:], self.kernel_size, self.stride, strict=True):
            total = max((-(-extent // stride) - 1) * stride + kernel - extent, 0)
            bottom_up = [total // 2, total - total // 2, *bottom_up]
        if bottom_up[0] == bottom_up[1] and bottom_up[2] == bottom_up[3]:
            return F.conv2d(input, self.weight, self.bias, self.stride, (bottom_up[2], bottom_up[0]), 1, self.groups)
        padded = F.pad(input, bottom_up)
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)


class GlobalAveragePool(nn.Module):
    """Mean over all pixels: (N, C, H, W) to (N, C). Written in two steps, or TFLite's converter adds a transpose."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True).flatten(1)


class HardSwish(nn.Module):
    """x * relu6(x + 3) / 6. MobileNetV3, section 5.2."""

    def forward(self, x: Tensor) -> Tensor:
        return F.hardswish(x)

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """XNNPACK takes no int8 HARD_SWISH, which would break the graph into partitions."""
        return HardSwishOfClamp() if (format, precision) == ("tflite", "int8") else self


class HardSwishOfClamp(nn.Module):
    """Hard-swish in operators that XNNPACK runs in int8; in this order the converter does not fuse it back."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * (1 / 6)) * torch.clamp(x + 3, 0, 6)


class AveragePool(nn.AvgPool2d):
    """Average pooling of `channels` channels, zeros of the border counted."""

    def __init__(self, channels: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__(kernel, stride, padding)
        self.channels = channels

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """XNNPACK averages in float only; in int8 a depthwise convolution of equal weights keeps one partition."""
        if (format, precision) != ("tflite", "int8"):
            return self
        kernel = int(self.kernel_size)
        mean = nn.Conv2d(
            self.channels, self.channels, kernel, int(self.stride), int(self.padding), groups=self.channels, bias=False
        )
        nn.init.constant_(mean.weight, 1 / kernel**2)
        return mean


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate computed from the means of all channels.

    Hu et al., CVPR 2018, arXiv:1709.01507, section 3. `reduced` is the width of the bottleneck.
    """

    def __init__(
        self, channels: int, reduced: int, *, activation: Activation = nn.ReLU, gate: Activation = nn.Sigmoid
    ) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.activation = activation()
        self.expand = nn.Conv2d(reduced, channels, 1)
        self.gate = gate()

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.expand(self.activation(self.reduce(means))))


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter depthwise, optionally squeeze-and-excite, project linearly; add the input if it fits.

    Sandler et al., MobileNetV2, CVPR 2018, arXiv:1801.04381, figure 3; with `gate` as in MnasNet and
    MobileNetV3. Equal `inputs` and `expanded` leave the expansion out.
    """

    def __init__(
        self,
        inputs: int,
        expanded: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        activation: Activation = nn.ReLU6,
        squeeze_excite: nn.Module | None = None,
        padding: str | None = None,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(ConvNorm(inputs, expanded, activation=activation, eps=eps))
        layers.append(
            ConvNorm(
                expanded, expanded, kernel, stride, groups=expanded, activation=activation, padding=padding, eps=eps
            )
        )
        if squeeze_excite is not None:
            layers.append(squeeze_excite)
        layers.append(ConvNorm(expanded, outputs, activation=None, eps=eps))
        self.branch = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.residual else self.branch(x)


class ChannelShuffle(nn.Module):
    """Deal the channels of `groups` groups out in turn: (g, n) channels become (n, g).

    Zhang et al., ShuffleNet, CVPR 2018, arXiv:1707.01083, section 3.1.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        dealt = x.reshape(batch, self.groups, channels // self.groups, height, width).transpose(1, 2)
        return dealt.reshape(batch, channels, height, width)

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """TFLite holds pixels outside and channels inside: shuffled there, the two layout transposes cancel."""
        del precision
        return ChannelLastShuffle(self.groups) if format == "tflite" else self


class ChannelLastShuffle(nn.Module):
    """ChannelShuffle written on a permuted (N, H, W, C) tensor."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(batch, height, width, self.groups, channels // self.groups)
        return pixels.transpose(3, 4).reshape(batch, height, width, channels).permute(0, 3, 1, 2)


class PositiveMaxPool(nn.MaxPool2d):
    """A max pool over values that are never negative (it stands after a ReLU)."""

    def __init__(self, kernel: int, stride: int, padding: int = 0, ceil_mode: bool = False) -> None:
        super().__init__(kernel, stride, padding, ceil_mode=ceil_mode)

    def export_form(self, format: Format, precision: Precision) -> nn.Module:
        """XNNPACK takes no padding by -inf (PADV2); zeros give the same maximum here."""
        del precision
        if format != "tflite" or not (self.padding or self.ceil_mode):
            return self
        return ZeroPaddedMaxPool(self.kernel_size, self.stride, self.padding, self.ceil_mode)


class ZeroPaddedMaxPool(nn.Module):
    """Max pool after explicit zero padding; in ceil mode also with what the last window lacks at the end."""

    def __init__(self, kernel: int, stride: int, padding: int, ceil_mode: bool) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding, self.ceil_mode = kernel, stride, padding, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        margins = [self.padding] * 4
        if self.ceil_mode:
            for axis, side in ((-1, 1), (-2, 3)):
                beyond = x.shape[axis] + 2 * self.padding - self.kernel
                margins[side] += -beyond % self.stride
        return F.max_pool2d(F.pad(x, margins), self.kernel, self.stride)
