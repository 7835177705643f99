"""The same architectures in torchvision, timm and pytorchcv, with random weights, to compare outputs with."""

from __future__ import annotations

import importlib

import torch
from torch import nn

from exporters.foreign_weights import copy_eps
from exporters.layers import layers_of
from exporters.networks.registry import Network, listed_names, resolve
from exporters.torchvision_import import import_torchvision
from exporters.weights import fill

PYTORCHCV = {
    "shufflenet_v1_g1": "shufflenet_g1_w1",
    "shufflenet_v1_g2": "shufflenet_g2_w1",
    "shufflenet_v1": "shufflenet_g3_w1",
    "shufflenet_v1_g4": "shufflenet_g4_w1",
    "shufflenet_v1_g8": "shufflenet_g8_w1",
    "shufflenet_v1_w0.5": "shufflenet_g3_wd2",
}
OWN_INPUT = 600_000_000  # MACs up to which a network is compared at its own resolution


def pairs() -> list[tuple[str, str, str]]:
    """(our name, library, its name) for every listed network that a library has."""
    found = [(name, library, inner) for name in listed_names() for library, inner in resolve(name).libraries.items()]
    return [*found, *((ours, "pytorchcv", theirs) for ours, theirs in PYTORCHCV.items())]


def reference(library: str, inner: str, seed: int = 0) -> nn.Module:
    """The library's network in eval mode; weights and BatchNorm statistics random, so that no layer is neutral."""
    import_torchvision()
    torch.manual_seed(seed)
    if library == "torchvision":
        extra = {"init_weights": False, "aux_logits": False} if inner in ("googlenet", "inception_v3") else {}
        model = importlib.import_module("torchvision.models").get_model(inner, weights=None, **extra)
    elif library == "timm":
        model = importlib.import_module("timm").create_model(inner, pretrained=False)
    else:
        model = importlib.import_module("pytorchcv.model_provider").get_model(inner, pretrained=False)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.1)
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
        elif isinstance(layer, nn.Conv2d):
            # kept in range through depth, else a deep network's outputs vanish and any two are equal
            nn.init.normal_(layer.weight, 0, (2 / layer.weight[0].numel()) ** 0.5)
    return model.eval()


def example(network: Network, macs: int) -> torch.Tensor:
    """A random input: of the network's own resolution, or smaller where that takes long."""
    size = network.input_size if macs <= OWN_INPUT or network.name in ("alexnet", "vgg16") else 160
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))


def deviation(name: str, library: str, inner: str) -> float:
    """The largest difference of two outputs under equal weights, as a share of the largest output."""
    network = resolve(name)
    theirs = reference(library, inner)
    ours = network.constructor(**{**network.arguments, **network.library_arguments}).eval()
    fill(ours, theirs.state_dict().items(), inner)
    if library == "timm":
        copy_eps(theirs, ours)  # timm's differ; torchvision's and pytorchcv's must be ours already
    x = example(network, layers_of(network).macs)
    with torch.inference_mode():
        expected = theirs(x)
        assert expected.std() > 1e-3, "the reference's outputs say nothing"
        return float((ours(x) - expected).abs().max() / max(1.0, float(expected.abs().max())))
