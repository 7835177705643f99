"""The networks of instruction_gate.py: one that is content, and changed copies that the gate must find.

Read by name (`gate_networks:plain`), so that they go the same way as any network of a user's. Their weights are as
PyTorch initialises them: instructions do not depend on values.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from exporters.networks.blocks import HardSwish
from exporters.networks.registry import resolve

NETWORK = resolve("mobilenet_v3_small_r128")


def sized(function: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The function with the pixels on a side that its network takes."""
    function.input_size = NETWORK.input_size
    return function


@sized
def plain() -> nn.Module:
    """MobileNetV3-Small at 128 px."""
    return NETWORK.architecture()


class ExtraConvolution(nn.Module):
    """The network with one more 1x1 convolution, of its picture's three channels."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.extra = nn.Conv2d(3, 3, 1)
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(self.extra(x))


@sized
def extra_convolution() -> nn.Module:
    """One 1x1 convolution more."""
    return ExtraConvolution(plain()).eval()


@sized
def undelegated_hard_swish() -> nn.Module:
    """Hard-swish as PyTorch has it, without the form that XNNPACK takes in int8."""
    module = plain()
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, HardSwish):
                setattr(parent, name, nn.Hardswish())
    return module
