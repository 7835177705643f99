"""Export forms: what is replaced, and when one conversion serves two precisions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exporters.forms import for_export, same_form


class Doubling(nn.Module):
    """Doubles; for tflite int8 by addition."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x

    def export_form(self, format: str, precision: str) -> nn.Module:
        return Adding() if (format, precision) == ("tflite", "int8") else self


class Adding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.Sequential(Doubling(), nn.Dropout(0.9)))


def test_the_form_replaces_the_module_in_a_copy() -> None:
    model = network()
    exported = for_export(model, "tflite", "int8")
    assert isinstance(exported[1][0], Adding)
    assert isinstance(model[1][0], Doubling)
    assert not exported.training
    x = torch.ones(1, 2)
    assert torch.equal(exported(x), model.eval()(x))


def test_a_whole_network_may_have_a_form() -> None:
    assert isinstance(for_export(Doubling(), "tflite", "int8"), Adding)


def test_precisions_share_a_conversion_only_where_their_graphs_are_equal() -> None:
    model = network()
    assert same_form(model, "tflite", "fp32", "fp16")
    assert not same_form(model, "tflite", "fp32", "int8")
    assert same_form(model, "onnx", "fp32", "int8")
