"""Networks that we do not define: `torchvision:NAME`, `timm:NAME`, `module:callable`. Their weights are as built."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from exporters.networks.registry import RANDOM, Network, imagenet_preprocessing
from exporters.torchvision_import import import_torchvision
from foundation.artifact import Preprocessing, Weights
from foundation.errors import ExportError, UsageError

if TYPE_CHECKING:
    from torch import nn

PIXELS = 224


def resolve_source(name: str) -> Network:
    """The network that `name` finds in torchvision, in timm, or by calling a function of the user's.

    UsageError where the name finds nothing, ExportError where the library is missing or cannot be imported.
    """
    source, _, inner = name.partition(":")
    if source == "torchvision":
        return _torchvision(name, inner)
    if source == "timm":
        return _timm(name, inner)
    return _callable(name, source, inner)


def import_library(library: str) -> Any:
    """torchvision or timm, imported; ExportError where that fails, for instance beside another build of torch."""
    try:
        torchvision = import_torchvision()  # timm imports it too
        return torchvision if library == "torchvision" else importlib.import_module(library)
    except ModuleNotFoundError as error:
        missing = error.name or library
        raise ExportError(
            f"{library} needs {missing}, which is not installed", hint=f"pip install {missing}"
        ) from error
    except (ImportError, RuntimeError, OSError) as error:
        raise ExportError(
            f"{library} cannot be imported: {error}", hint="install the build of it that belongs to your torch"
        ) from error


def _torchvision(name: str, inner: str) -> Network:
    import_library("torchvision")
    models = importlib.import_module("torchvision.models")
    known = [key for key in models.list_models() if "/" not in key]
    _require(inner, known, "torchvision")
    preprocessing = torchvision_preprocessing(inner)

    def build() -> nn.Module:
        # heads that serve training only would give a second output
        extra = {"init_weights": False} if inner in ("googlenet", "inception_v3") else {}
        module: nn.Module = models.get_model(inner, weights=None, **extra)
        for head in ("aux1", "aux2", "AuxLogits"):
            if hasattr(module, head):
                setattr(module, head, None)
        return module

    return _network(name, "torchvision", build, preprocessing.size, preprocessing)


def torchvision_preprocessing(inner: str) -> Preprocessing:
    """The preprocessing of torchvision's default weights of `inner`; ImageNet's at 224 pixels where it has none."""
    models = importlib.import_module("torchvision.models")
    choices = list(models.get_model_weights(inner))
    transforms = choices[0].transforms() if choices else None
    if transforms is None or not hasattr(transforms, "crop_size"):
        return imagenet_preprocessing(PIXELS)
    [size] = transforms.crop_size
    [resized] = transforms.resize_size
    return Preprocessing(
        size=size,
        crop=size / resized,
        interpolation=transforms.interpolation.value,
        channel_order="RGB",
        mean=tuple(255 * value for value in transforms.mean),
        scale=tuple(255 * value for value in transforms.std),
    )


def _timm(name: str, inner: str) -> Network:
    timm = import_library("timm")
    known = timm.list_models()
    if inner not in timm.list_pretrained():
        _require(inner, known, "timm")
    preprocessing = timm_preprocessing(inner)

    def build() -> nn.Module:
        module: nn.Module = timm.create_model(inner, pretrained=False)
        return module

    return _network(name, "timm", build, preprocessing.size, preprocessing)


def timm_preprocessing(inner: str) -> Preprocessing:
    """The preprocessing that timm states for `inner`."""
    timm = import_library("timm")
    config = timm.get_pretrained_cfg(inner)
    channels, height, width = config.input_size
    if channels != 3 or height != width:
        raise UsageError(f"timm:{inner} takes {config.input_size}", hint="only square RGB inputs are supported")
    return Preprocessing(
        size=height,
        crop=config.crop_pct,
        interpolation=config.interpolation,
        channel_order="RGB",
        mean=tuple(255 * value for value in config.mean),
        scale=tuple(255 * value for value in config.std),
    )


def _callable(name: str, module_name: str, attribute: str) -> Network:
    """A function of the user's, without arguments, that returns a network; its `input_size` may say the pixels."""
    if not re.fullmatch(r"[\w.]+", module_name) or not attribute.isidentifier():
        raise UsageError(
            f"{name} names no network", hint="write torchvision:NAME, timm:NAME, or module:callable of your own"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does: modules of the folder one works in
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{name}: no module {error.name}", hint="put its folder on PYTHONPATH, or start from that folder"
        ) from error
    except Exception as error:  # the user's own code: whatever it raises is theirs to read
        raise ExportError(
            f"importing {module_name} raised {type(error).__name__}: {error}", hint="import it in Python to see where"
        ) from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise UsageError(f"{module_name} has no function {attribute}", hint=_nearest(attribute, dir(module)))

    def build() -> nn.Module:
        from torch import nn

        try:
            built = function()
        except Exception as error:  # as above
            raise ExportError(
                f"{name} raised {type(error).__name__}: {error}", hint="call it in Python to see where"
            ) from error
        if not isinstance(built, nn.Module):
            raise ExportError(f"{name} returned a {type(built).__name__}", hint="return a torch.nn.Module")
        return built

    size = getattr(function, "input_size", PIXELS)
    if not isinstance(size, int) or size <= 0:
        raise UsageError(f"{name}: input_size {size!r} is no number of pixels", hint="set it to a whole number")
    return _network(name, "user", build, size, imagenet_preprocessing(size), Weights(kind="user", source=name))


def _network(
    name: str,
    family: str,
    constructor: Callable[[], nn.Module],
    size: int,
    preprocessing: Preprocessing,
    weights: Weights = RANDOM,
) -> Network:
    return Network(
        name=name,
        family=family,
        input_size=size,
        tags=(),
        published=None,
        preprocessing=preprocessing,
        weights=weights,
        classes=1000,
        input_shape=(3, size, size),
        module=name.partition(":")[0],
        constructor=constructor,
        # a user's function returns its own weights: nothing is left to fill in
        pretrained=(lambda _module: None) if weights.kind == "user" else None,
        libraries={family: name.partition(":")[2]} if family in ("torchvision", "timm") else {},
    )


def _require(inner: str, known: list[str], library: str) -> None:
    if inner not in known:
        raise UsageError(f"{library} has no network {inner}", hint=_nearest(inner, known))


def _nearest(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(nearest)}?" if nearest else "look its names up in its documentation"
