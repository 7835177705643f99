"""Weights from torchvision, timm or a file, mapped strictly onto our layers.

Our networks declare their layers in the order in which both libraries do, so tensors are matched in
order; a last part of a name or a shape that differs is an error.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

from exporters.networks.registry import Network
from exporters.networks.sources import import_library, timm_preprocessing, torchvision_preprocessing
from exporters.weights import fill, read_state_dict
from foundation.artifact import Preprocessing, Weights
from foundation.errors import ExportError, UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # heads that serve training only
LIBRARIES = ("torchvision", "timm")


def with_weights(network: Network, weights: str) -> Network:
    """`network` with the weights of `torchvision`, `timm` or a file instead of its own.

    Raises UsageError where the library has no such network or there is no such file.
    """
    if weights in LIBRARIES:
        inner = network.libraries.get(weights)
        if inner is None:
            others = [library for library in network.libraries if library != weights]
            hint = f"--weights {others[0]} has it" if others else "leave --weights out for seeded random weights"
            raise UsageError(f"{weights} has no {network.name}", hint=hint)
        import_library(weights)
        stated = torchvision_preprocessing(inner) if weights == "torchvision" else timm_preprocessing(inner)
        return replace(
            network,
            arguments={**network.arguments, **network.library_arguments},
            preprocessing=stated.model_copy(update={"size": network.input_size}),
            weights=Weights(kind="pretrained", source=f"{weights} {inner}"),
            pretrained=lambda module: load_library(module, weights, inner),
        )
    path = Path(weights)
    if not path.is_file():
        raise UsageError(f"no weights {weights}", hint="--weights takes default, torchvision, timm, or a file")
    return replace(
        network,
        arguments={**network.arguments, **network.library_arguments},
        preprocessing=_plain(network),
        weights=Weights(kind="user", source=path.name),
        pretrained=lambda module: load_file(module, path, network.libraries),
    )


def _plain(network: Network) -> Preprocessing | None:
    """ImageNet's preprocessing where the declared one belongs to the declared weights."""
    from exporters.networks.registry import imagenet_preprocessing

    return imagenet_preprocessing(network.input_size) if network.library_arguments else network.preprocessing


def load_library(module: nn.Module, library: str, inner: str) -> None:
    """Fill `module` with the weights that `library` downloads for its network `inner`."""
    try:
        reference = _reference(library, inner, pretrained=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ExportError(
            f"{library} could not get the weights of {inner}: {error}",
            hint="they come over the internet; or give a downloaded file to --weights",
            retryable=True,
        ) from error
    fill(module, _inference_tensors(reference.state_dict()).items(), f"{library} {inner}")
    copy_eps(reference, module)


def load_file(module: nn.Module, path: Path, libraries: Mapping[str, str]) -> None:
    """Fill `module` from a file of our own names, or of torchvision's or timm's.

    A PyTorch file keeps its tensors' order. safetensors sorts them by name, so that the order of
    foreign names must come from the library they belong to.
    """
    import torch

    tensors = _inference_tensors(read_state_dict(path))
    ours = module.state_dict()
    if set(tensors) == {name for name, tensor in ours.items() if tensor.ndim > 0}:
        fill(module, ((name, tensors[name]) for name, tensor in ours.items() if tensor.ndim > 0), path.name)
        return
    wanted = {name for name in tensors if not name.endswith("num_batches_tracked")}
    sorted_by_name = path.suffix == ".safetensors"
    for library in _belonging(wanted, libraries):
        with torch.device("meta"):
            reference = _reference(library, libraries[library], pretrained=False)
        names = list(_inference_tensors(reference.state_dict()))
        if set(names) == wanted:
            fill(module, ((name, tensors[name]) for name in names), path.name)
            copy_eps(reference, module)
            return
    if sorted_by_name:
        fits = " or ".join(f"{library}'s {inner}" for library, inner in libraries.items()) or "ours"
        first = sorted(wanted)[0] if wanted else "no tensor"
        raise ExportError(
            f"{path.name}: {first} is no tensor of this network",
            hint=f"the names in safetensors must be {fits}, with that library installed",
        )
    fill(module, tensors.items(), path.name)


def _belonging(names: set[str], libraries: Mapping[str, str]) -> list[str]:
    """The installed libraries among `libraries`, timm first: its names are the ones that differ in their eps."""
    from importlib.util import find_spec

    del names
    return [library for library in ("timm", "torchvision") if library in libraries and find_spec(library)]


def copy_eps(reference: nn.Module, module: nn.Module) -> None:
    """Take over the epsilon of each BatchNorm, which no file of weights holds."""
    from torch import nn

    theirs = [layer for layer in reference.modules() if isinstance(layer, nn.BatchNorm2d)]
    ours = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    for our, their in zip(ours, theirs, strict=False):
        our.eps = their.eps


def _inference_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith(AUXILIARY) and not name.endswith("num_batches_tracked")
    }


def _reference(library: str, inner: str, pretrained: bool) -> nn.Module:
    built: nn.Module
    if library == "timm":
        built = import_library("timm").create_model(inner, pretrained=pretrained)
    else:
        import_library("torchvision")
        models = importlib.import_module("torchvision.models")
        built = models.get_model(inner, weights="DEFAULT" if pretrained else None)
    return built
