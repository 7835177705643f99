"""Export forms: a module may be written differently for a converter, as long as its float output stays equal.

A module offers this by a method `export_form(format, precision)` that returns the module to export in its place
(itself where nothing changes). What the network computes is defined once, in exporters/networks; how a converter is
spared its junk stands beside it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from foundation.artifact import Format, Precision


def for_export(model: nn.Module, format: Format, precision: Precision) -> nn.Module:
    """A deep copy of `model` in eval mode, each module with an `export_form` replaced by what it returns.

    A replacement is not searched again: it is final, its children included.
    """
    return _replaced(copy.deepcopy(model).eval(), format, precision).eval()


def same_form(model: nn.Module, format: Format, one: Precision, other: Precision) -> bool:
    """Whether both precisions are exported from equal graphs, so that one float conversion serves both."""
    return one == other or _signature(model, format, one) == _signature(model, format, other)


def _replaced(module: nn.Module, format: Format, precision: Precision) -> nn.Module:
    form = getattr(module, "export_form", None)
    if form is not None:
        replacement: nn.Module = form(format, precision)
        if replacement is not module:
            return replacement
    for name, child in module.named_children():
        replacement = _replaced(child, format, precision)
        if replacement is not child:
            setattr(module, name, replacement)
    return module


def _signature(model: nn.Module, format: Format, precision: Precision) -> list[tuple[str, str, str]]:
    """The exported module tree: path, class and plain attributes of every module."""
    exported = for_export(model, format, precision)
    return [
        (name, f"{type(module).__module__}.{type(module).__qualname__}", _plain_attributes(module))
        for name, module in exported.named_modules()
    ]


def _plain_attributes(module: nn.Module) -> str:
    plain = (bool, int, float, str, tuple, type(None))
    return repr(sorted((name, value) for name, value in vars(module).items() if isinstance(value, plain)))
