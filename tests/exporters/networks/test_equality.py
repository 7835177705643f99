"""Our networks give the outputs of another implementation under the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from exporters.networks.registry import resolve
from exporters.weights import fill
from tests.exporters.networks.reference import deviation, pairs

EVERY_RUN = (
    ("mobilenet_v1", "timm", "mobilenetv1_100"),
    ("mobilenet_v2", "torchvision", "mobilenet_v2"),
    ("mobilenet_v3_large", "torchvision", "mobilenet_v3_large"),
    ("mobilenet_v3_small_w0.75", "timm", "mobilenetv3_small_075"),
    ("shufflenet_v2_x1_0", "torchvision", "shufflenet_v2_x1_0"),
    ("squeezenet1_1", "torchvision", "squeezenet1_1"),
    ("efficientnet_lite0", "timm", "tf_efficientnet_lite0"),
    ("shufflenet_v1", "pytorchcv", "shufflenet_g3_w1"),
)


@pytest.mark.parametrize(("name", "library", "inner"), EVERY_RUN)
def test_outputs_equal_another_implementation(name: str, library: str, inner: str) -> None:
    assert deviation(name, library, inner) <= 1e-4


@pytest.mark.long
def test_outputs_equal_another_implementation_wherever_one_has_the_network() -> None:
    compared = pairs()
    assert len({name for name, _, _ in compared}) >= 45
    wrong = {pair: far for pair in compared if (far := deviation(*pair)) > 1e-4}
    assert not wrong


def test_transformer_encoder_equals_torchs() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True)
    theirs = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False).eval()
    for parameter in theirs.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.2)
    ours = resolve("transformer_encoder").architecture()
    named = ((name.replace("in_proj_", "in_proj."), tensor) for name, tensor in theirs.state_dict().items())
    fill(ours, named, "torch")
    x = torch.randn(2, 32, 512)
    with torch.inference_mode():
        assert torch.allclose(ours(x), theirs(x), atol=1e-4)


def test_squeeze_and_excite_placements_gate_where_senets_figure_5_draws_them() -> None:
    """A gate of 1/2 everywhere (zero weights) halves exactly what it stands on."""
    from exporters.networks.resnet import Residual

    def half(_channels: int) -> nn.Module:
        class Half(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x / 2

        return Half()

    def square() -> nn.Sequential:
        class Square(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x * x

        return nn.Sequential(Square())

    x = torch.full((1, 1, 1, 1), 4.0)
    outputs = {
        placement: float(Residual(square(), 1, 1, 1, half, placement)(x))
        for placement in ("standard", "pre", "post", "identity")
    }
    assert outputs == {"standard": 16 / 2 + 4, "pre": (4 / 2) ** 2 + 4, "post": (16 + 4) / 2, "identity": 16 + 4 / 2}
