"""Import torchvision beside a torch that its compiled part was not made for.

A torchvision wheel made for CUDA cannot load its compiled detection operators beside a CPU build of torch, and then
fails at import, where it registers shapes for them. Networks that classify need none of these operators:
declaring their names is enough.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

SCHEMA = "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor"  # never called
MOST = 30  # operators; torchvision 0.28 has eight


def import_torchvision() -> Any:
    """The module torchvision. Raises what its import raises for any other reason."""
    import torch

    for _ in range(MOST):
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            missing = re.search(r"operator (torchvision::\w+) does not exist", str(error))
            if missing is None:
                raise
            torch.library.define(missing[1], SCHEMA)
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
    raise RuntimeError("torchvision asks for one missing operator after another")
