"""The one traversal against torch's counter, hand arithmetic, and receptive fields found by gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from exporters.layers import layers_of, trace
from exporters.networks.registry import listed_names, resolve


def by_torch(name: str) -> tuple[int, int]:
    network = resolve(name)
    with torch.device("meta"):
        module = network.architecture()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.empty(1, *network.input_shape))
    return counter.get_total_flops(), sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "shufflenet_v1_g8", "googlenet", "transformer_encoder"])
def test_macs_and_parameters_are_those_of_torchs_counter(name: str) -> None:
    layers = layers_of(resolve(name))
    assert (2 * layers.macs, layers.params) == by_torch(name)


@pytest.mark.long
def test_macs_and_parameters_of_every_listed_network_are_those_of_torchs_counter() -> None:
    wrong = []
    for name in listed_names():
        layers = layers_of(resolve(name))
        if (2 * layers.macs, layers.params) != by_torch(name):
            wrong.append(name)
    assert not wrong


def test_a_convolution_with_its_norm_and_activation_is_one_layer() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()).eval()
        [layer] = trace(module, torch.empty(1, 3, 16, 16))
    assert (layer.type, layer.output_shape, layer.kernel, layer.stride) == ("Convolution", (1, 8, 8, 8), (3, 3), (2, 2))
    assert layer.params == 3 * 8 * 9 + 2 * 8
    assert layer.macs == 8 * 8 * 8 * 3 * 9
    assert layer.memory_access_bytes == 4 * (3 * 16 * 16 + 8 * 3 * 9 + 8 * 8 * 8)


def test_an_addition_reads_both_inputs() -> None:
    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + x.mean((2, 3), keepdim=True)

    with torch.device("meta"):
        mean, add = trace(Twice(), torch.empty(1, 2, 4, 4))
    assert mean.memory_access_bytes == 4 * (2 * 16 + 2)
    assert add.memory_access_bytes == 4 * (2 * 16 + 2 + 2 * 16)
    assert (add.receptive_field, add.jump) == (1, 1)


def field_by_gradient(module: nn.Module, size: int) -> int:
    """Side of the square of pixels that the middle output depends on; layers made positive, so that nothing cancels."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.MaxPool2d):
            layer.forward = nn.AvgPool2d(  # a maximum hands its gradient to one pixel only
                layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode
            ).forward
        elif isinstance(layer, nn.ReLU6):
            layer.forward = nn.functional.relu
    x = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    output = module.double()(x)
    middle = output.shape[2] // 2
    output[0, :, middle, middle].sum().backward()
    touched = x.grad[0].abs().sum(0).nonzero()
    sides = touched.max(0).values - touched.min(0).values + 1
    assert touched.min() > 0, "the field reaches the border: the input is too small to see all of it"
    return int(sides.max())


@pytest.mark.parametrize(
    ("name", "layers", "size"),
    [("mobilenet_v2", 8, 320), ("squeezenet1_1", 9, 320), ("resnet18", 6, 480)],
)
def test_receptive_field_is_the_one_that_the_gradient_reaches(name: str, layers: int, size: int) -> None:
    network = resolve(name)
    part = network.architecture()[:layers]
    with torch.device("meta"):
        traced = trace(network.architecture()[:layers], torch.empty(1, 3, size, size))
    assert traced[-1].receptive_field == field_by_gradient(part, size)
