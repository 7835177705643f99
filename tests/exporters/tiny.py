"""Networks of test size, found as `tests.exporters.tiny:NAME`. Some misbehave, but only where they are exported."""

from __future__ import annotations

import os
import signal
import sys
import time

import torch
from torch import Tensor, nn


class Cumulate(nn.Module):
    """An operator that XNNPACK does not take."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumsum(x, dim=1)


class Branching(nn.Module):
    """Control flow that depends on values: no converter can trace it."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((2, 3)) if _exporting() and x.sum() < 0 else x.mean((2, 3))


def tiny() -> nn.Module:
    """Convolution, depthwise convolution, linear layer: 3 x 32 x 32 to 10 classes."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def broken_in_two() -> nn.Module:
    """An operator between two convolutions that the delegate leaves to the interpreter."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), Cumulate(), nn.Conv2d(8, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def untraceable() -> nn.Module:
    return Branching()


def killed() -> nn.Module:
    """Dies of SIGKILL while it is exported, as from the kernel's out-of-memory killer."""
    if _exporting():
        os.kill(os.getpid(), signal.SIGKILL)
    return tiny()


def crashing() -> nn.Module:
    """Dies of SIGSEGV while it is exported, as from a converter's fault."""
    if _exporting():
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
    return tiny()


def endless() -> nn.Module:
    """Never gets exported."""
    while _exporting():
        time.sleep(1)
    return tiny()


def _exporting() -> bool:
    return "exporters.make" in sys.modules


for network in (tiny, broken_in_two, untraceable, killed, crashing, endless):
    network.input_size = 32  # type: ignore[attr-defined]
