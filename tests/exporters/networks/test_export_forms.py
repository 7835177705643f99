"""What a module becomes for a converter computes the same, to 1e-5 in float."""

from __future__ import annotations

import pytest
import torch

from exporters.networks.blocks import (
    ChannelLastShuffle,
    ChannelShuffle,
    HardSwish,
    HardSwishOfClamp,
    PositiveMaxPool,
    ZeroPaddedMaxPool,
)
from exporters.networks.flatten import ChannelsLastLinear, PixelsLinear
from exporters.networks.googlenet import SharedInputMaxPool
from exporters.networks.registry import resolve
from exporters.networks.shufflenet_v2_export import CONCATENATED, UnshuffledStage


def test_hard_swish_for_int8() -> None:
    x = torch.linspace(-8, 8, 1001)
    form = HardSwish().export_form("tflite", "int8")
    assert isinstance(form, HardSwishOfClamp)
    assert torch.allclose(form(x), x * torch.clamp(x + 3, 0, 6) / 6, atol=1e-5)


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_channel_shuffle_on_channels_last(groups: int) -> None:
    x = torch.arange(2 * 24 * 2 * 3, dtype=torch.float32).reshape(2, 24, 2, 3)
    form = ChannelShuffle(groups).export_form("tflite", "fp32")
    assert isinstance(form, ChannelLastShuffle)
    dealt = [group * (24 // groups) + place for place in range(24 // groups) for group in range(groups)]
    assert torch.equal(form(x), x[:, dealt])


@pytest.mark.parametrize(("kernel", "padding", "ceil"), [(3, 1, False), (3, 0, True), (2, 0, True), (3, 1, True)])
@pytest.mark.parametrize("size", [13, 14, 15, 16])
def test_max_pool_padded_by_zeros(kernel: int, padding: int, ceil: bool, size: int) -> None:
    x = torch.rand(1, 4, size, size)
    form = PositiveMaxPool(kernel, 2, padding, ceil).export_form("tflite", "fp32")
    assert isinstance(form, ZeroPaddedMaxPool)
    assert torch.equal(form(x), torch.max_pool2d(x, kernel, 2, padding, 1, ceil))


def test_max_pool_of_stride_1_leaves_padding_to_the_format() -> None:
    x = torch.rand(2, 3, 6, 5)
    pool = SharedInputMaxPool()
    form = pool.export_form("tflite", "fp32")
    assert type(form) is torch.nn.MaxPool2d
    assert torch.equal(form(x), pool(x))
    assert pool.export_form("onnx", "fp32") is pool


def test_linear_over_pixels_on_channels_last() -> None:
    torch.manual_seed(0)
    layer = PixelsLinear(5, 3, 4)
    x = torch.randn(2, 5, 3, 3)
    expected = torch.einsum("nchw,ochw->no", x, layer.weight.reshape(4, 5, 3, 3)) + layer.bias
    form = layer.export_form("tflite", "int8")
    assert isinstance(form, ChannelsLastLinear)
    assert torch.allclose(layer(x), expected, atol=1e-5)
    assert torch.allclose(form(x), expected, atol=1e-5)
    assert layer.export_form("onnx", "fp32") is layer


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "shufflenet_v2_x1_0"])
def test_shufflenet_v2_without_shuffles(name: str) -> None:
    torch.manual_seed(0)
    network = resolve(name).architecture()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # no two channels alike, else a wrong order would not show
            torch.nn.init.uniform_(layer.weight, 0.5, 2)
            layer.running_mean.normal_()
    form = network.export_form("tflite", "fp32")
    stages = [module for module in form.modules() if isinstance(module, UnshuffledStage)]
    assert len(stages) == 3
    x = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        expected = network(x)
        assert (form(x) - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


def test_shufflenet_v2_without_shuffles_joins_no_more_than_xnnpack_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    network = resolve("shufflenet_v2_x1_0").architecture()
    form = network.export_form("tflite", "fp32")
    widths = []
    join = torch.cat

    def counting(tensors: list[torch.Tensor], dim: int) -> torch.Tensor:
        widths.append(len(tensors))
        return join(tensors, dim)

    monkeypatch.setattr(torch, "cat", counting)
    with torch.inference_mode():
        form(torch.zeros(1, 3, 64, 64))
    assert widths
    assert max(widths) <= CONCATENATED


def test_export_forms_leave_onnx_as_the_papers_have_it() -> None:
    network = resolve("shufflenet_v2_x0_5").architecture()
    assert network.export_form("onnx", "int8") is network
