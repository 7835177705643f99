"""Labels beside points that overlap neither each other nor any mark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels


@dataclass(frozen=True)
class Placed:
    """Where a label's lower left corner goes, and whether it is so far off that a line should lead to it."""

    left: float
    bottom: float
    far: bool


def attach(axes: Axes, names: Sequence[str], anchors: Sequence[tuple[float, float]], marks: Sequence[Box],
           size: float, gap: float) -> None:  # fmt: skip
    """Write each name beside its anchor, clear of the marks (all in pixels), with a thin line where it went far."""
    texts = [axes.text(0, 0, name, fontsize=size, transform=None) for name in names]
    extents = [text.get_window_extent() for text in texts]
    sizes = [(box.width, box.height) for box in extents]
    spots = place(anchors, sizes, marks, axes.get_window_extent().extents, gap)
    for text, spot, anchor, (width, height) in zip(texts, spots, anchors, sizes, strict=True):
        text.set_transform(axes.transAxes)
        text.set_position(tuple(axes.transAxes.inverted().transform((spot.left, spot.bottom))))
        if spot.far:
            nearest = (
                min(max(anchor[0], spot.left), spot.left + width),
                min(max(anchor[1], spot.bottom), spot.bottom + height),
            )
            ends = axes.transAxes.inverted().transform([anchor, nearest])
            axes.plot(ends[:, 0], ends[:, 1], transform=axes.transAxes, linewidth=0.8, color=text.get_color(), zorder=1)


def place(anchors: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], marks: Sequence[Box], area: Box,
          gap: float = 6.0) -> list[Placed]:  # fmt: skip
    """A place for each label: the nearest free one around its anchor, from the top of the chart downwards.

    `anchors` are the points, `sizes` the labels' widths and heights, `marks` what must stay uncovered, all in pixels.
    Where the area is too full the place that covers least is taken.
    """
    taken: list[Box] = []
    placed: dict[int, Placed] = {}
    for index in sorted(range(len(anchors)), key=lambda i: (-anchors[i][1], anchors[i][0])):
        box = min(
            _candidates(anchors[index], sizes[index], gap),
            key=lambda item: (_covered(item[1], [*taken, *marks], area), item[0]),
        )
        taken.append(box[1])
        placed[index] = Placed(box[1][0], box[1][1], box[0] > 2.5 * gap)
    return [placed[index] for index in range(len(anchors))]


def _candidates(anchor: tuple[float, float], size: tuple[float, float], gap: float) -> list[tuple[float, Box]]:
    """Boxes around the anchor with their distance from it; to the right first."""
    x, y = anchor
    width, height = size
    found = []
    for ring in range(1, 16):
        distance = gap * ring
        for step in range(16):
            angle = math.pi * 2 * ((step + 1) // 2 * (1 if step % 2 else -1)) / 16
            dx, dy = math.cos(angle), math.sin(angle)
            left = x + dx * distance - (0.0 if dx > 0.3 else width if dx < -0.3 else width / 2)
            bottom = y + dy * distance - (height / 2 if abs(dy) < 0.7 else 0.0 if dy > 0 else height)
            found.append((distance + 0.1 * step, (left, bottom, left + width, bottom + height)))
    return found


def _covered(box: Box, others: Sequence[Box], area: Box) -> float:
    """Area of the box that lies on others or outside."""
    own = (box[2] - box[0]) * (box[3] - box[1])
    inside = overlap(box, area)
    return (own - inside) * 2 + sum(overlap(box, other) for other in others)


def overlap(a: Box, b: Box) -> float:
    """Area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
