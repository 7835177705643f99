"""One style for every chart: readable at half width, colour-blind safe, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from foundation.cache import written_whole
from foundation.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Theme = Literal["light", "dark"]

# Okabe and Ito, Color universal design, 2008; on the dark ground the same hues, lighter.
_COLOURS: Final = {
    "light": ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    "dark": ("#56B4E9", "#F0853D", "#2FC49A", "#E29BC4", "#F0C04A", "#B9DDF5"),
}
FORMAT_MARKERS: Final = {"tflite": "o", "onnx": "s"}
_GROUND: Final = {"light": "#ffffff", "dark": "#14171a"}
_INK: Final = {"light": "#1f2328", "dark": "#e6e8ea"}
_FAINT: Final = {"light": "#d0d7de", "dark": "#3d444d"}


_theme: ContextVar[Theme] = ContextVar("theme", default="light")


def colours() -> tuple[str, ...]:
    """Six colours of the theme that a chart is being drawn in, told apart by readers who are colour-blind."""
    return _COLOURS[_theme.get()]


def precision_colours() -> dict[str, str]:
    """The colour of each precision, the same in every chart."""
    blue, red, green, *_ = colours()
    return {"fp32": blue, "fp16": green, "int8": red}


def front_colour() -> str:
    """The colour of a Pareto front."""
    return colours()[3]


def theme_of(name: str) -> Theme:
    """The theme of this name. Raises UsageError for another."""
    if name not in ("light", "dark"):
        raise UsageError(f"no theme {name}", hint="--theme light or --theme dark")
    return cast(Theme, name)


@contextmanager
def styled(theme: Theme = "light") -> Iterator[None]:
    """matplotlib's settings while a chart is drawn. No display is needed; equal data gives equal SVG bytes."""
    import matplotlib
    from cycler import cycler

    ink, ground, faint = _INK[theme], _GROUND[theme], _FAINT[theme]
    settings: dict[Any, Any] = {
        "figure.facecolor": ground,
        "axes.facecolor": ground,
        "savefig.facecolor": ground,
        "axes.edgecolor": faint,
        "axes.labelcolor": ink,
        "axes.titlesize": 13,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 12,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": faint,
        "grid.linewidth": 0.6,
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "xtick.labelsize": 11,
        "ytick.labelsize": 11,
        "legend.fontsize": 10.5,
        "legend.frameon": False,
        "font.size": 11,
        "font.family": "DejaVu Sans",
        "svg.fonttype": "none",
        "svg.hashsalt": "pocketbench",
        "axes.prop_cycle": cycler(color=_COLOURS[theme]),
    }
    before = _theme.set(theme)
    try:
        with matplotlib.rc_context(settings):
            yield
    finally:
        _theme.reset(before)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches whose texts can be measured before it is saved."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write STEM.png (144 dots an inch) and STEM.svg. Raises StorageError when they cannot be written."""
    paths = []
    for suffix in ("png", "svg"):
        path = stem.with_name(f"{stem.name}.{suffix}")
        with written_whole(path) as temporary:
            metadata = {"Date": None} if suffix == "svg" else {}
            figure.savefig(temporary, format=suffix, dpi=144, metadata=metadata, bbox_inches="tight", pad_inches=0.15)
        paths.append(path)
    return paths
