"""ShuffleNetV2 without shuffles, for formats whose shuffle is a transpose: the same function, other channel orders.

A convolution does not care in which order its input channels stand, as long as its weights stand in the same
one. So nothing need be shuffled: each unit gathers the channels it filters from the branches that made them.
Which channel is filtered when is known beforehand; each branch's outputs are sorted by that time, so that what a
unit takes of a branch is one slice.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from exporters.networks.blocks import ConvNorm

if TYPE_CHECKING:
    from exporters.networks.shufflenet_v2 import ShuffleNetV2

CONCATENATED = 5  # inputs that XNNPACK's concatenation takes at most
Channel = tuple[int, int]  # branch of the stage, output of that branch
Slice = tuple[int, int, int]  # branch, first and last + 1 of its (sorted) outputs


class UnshuffledShuffleNetV2(nn.Module):
    """A ShuffleNetV2 with its channels reordered; float output equal but for the order of sums."""

    def __init__(self, network: ShuffleNetV2) -> None:
        super().__init__()
        stem, pool, *stages, last, mean, classifier = copy.deepcopy(network)
        self.stem = nn.Sequential(stem, pool.export_form("tflite", "fp32"))
        self.stages = nn.ModuleList()
        order: Sequence[int] = range(stem[0].out_channels)  # of the next stage's input, as numbers of shuffled channels
        for stage in stages:
            unshuffled = UnshuffledStage(stage, order)
            order = unshuffled.order
            self.stages.append(unshuffled)
        reorder_inputs(last, order)
        self.tail = nn.Sequential(last, mean, classifier)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        logits: Tensor = self.tail(x)
        return logits


class UnshuffledStage(nn.Module):
    """One stage. Branches 0 and 1 are those of its first unit, each following unit adds one.

    Takes a stage whose inputs stand in `order`; `self.order` is that of its outputs.
    """

    def __init__(self, stage: nn.Sequential, order: Sequence[int]) -> None:
        super().__init__()
        down, *units = stage
        reorder_inputs(down.branch[0], order)
        reorder_outputs(down.short_branch[0], order)  # depthwise: outputs are inputs
        reorder_inputs(down.short_branch[1], order)
        branches: list[nn.Module] = [down.short_branch, down.branch, *(unit.branch for unit in units)]
        half = down.branch[-1][0].out_channels

        taken = _taken(half, len(units))
        when = {channel: unit for unit, channels in enumerate(taken) for channel in channels}
        placed: dict[Channel, int] = {}
        for number, branch in enumerate(branches):
            outputs = sorted(range(half), key=lambda output, branch=number: (when[branch, output], output))
            reorder_outputs(branch[-1], outputs)
            placed.update({(number, output): place for place, output in enumerate(outputs)})

        self.plan: list[list[Slice]] = []
        for unit, channels in enumerate(taken):
            gathered = sorted(channels, key=lambda channel: (-channel[0], placed[channel]))  # widest slices first
            self.plan.append(_slices([(branch, placed[branch, output]) for branch, output in gathered]))
            wanted = [channels.index(channel) for channel in gathered]
            if unit < len(units):
                reorder_inputs(units[unit].branch[0], wanted)
            else:
                self.order = wanted
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        short, first, *units = self.branches
        made = [short(x), first(x)]
        for unit, slices in zip(units, self.plan, strict=False):
            made.append(unit(_gather(made, slices)))
        return _gather(made, self.plan[-1])


def _taken(half: int, units: int) -> list[list[Channel]]:
    """Which channels each unit filters, in their shuffled order; last, those that leave the stage."""
    channels: list[Channel] = [(place % 2, place // 2) for place in range(2 * half)]
    taken = []
    for unit in range(units):
        passing, filtered = channels[:half], channels[half:]
        taken.append(filtered)
        channels = [channel for i in range(half) for channel in (passing[i], (2 + unit, i))]
    return [*taken, channels]


def _slices(channels: Sequence[Channel]) -> list[Slice]:
    """Runs of neighbouring outputs of one branch."""
    slices: list[Slice] = []
    for branch, place in channels:
        if slices and slices[-1][0] == branch and slices[-1][2] == place:
            slices[-1] = (branch, slices[-1][1], place + 1)
        else:
            slices.append((branch, place, place + 1))
    return slices


def _gather(made: Sequence[Tensor], slices: Sequence[Slice]) -> Tensor:
    parts = [made[branch][:, first:end] for branch, first, end in slices]
    while len(parts) > CONCATENATED:
        # The converter would join both concatenations into one that is too wide, were there nothing between them.
        # A 1x1 pool changes nothing and XNNPACK runs it in every precision. The last slices are the thinnest.
        first = max(len(parts) - CONCATENATED, CONCATENATED - 1)
        parts = [*parts[:first], F.max_pool2d(torch.cat(parts[first:], 1), 1)]
    return torch.cat(parts, 1)


def reorder_inputs(layer: ConvNorm, order: Sequence[int]) -> None:
    """Let an ungrouped convolution take its input channels in `order`."""
    _reorder(layer[0].weight, order, 1)


def reorder_outputs(layer: ConvNorm, order: Sequence[int]) -> None:
    """Let a convolution give its output channels in `order`, normalization included."""
    norm = layer[1]
    for tensor in (layer[0].weight, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        _reorder(tensor, order, 0)


def _reorder(tensor: Tensor, order: Sequence[int], axis: int) -> None:
    with torch.no_grad():
        tensor.copy_(tensor.index_select(axis, torch.tensor(list(order))))
