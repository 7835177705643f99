"""Real pictures that packages ship: some to calibrate with, others, never the same, to judge with.

Nothing is downloaded and nothing is copied: the files are read where the packages put them.

| set | from | for |
|---|---|---|
| calibration | unlabelled photographs of Debian's `opencv-doc`, `tuxpaint-stamps-default` | int8 ranges, BatchNorm |
| labelled | 20 ImageNet pictures of `foolbox`, 80 stamps of labelled_pictures.txt | agreement and accuracy |
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

from foundation.errors import ExportError

STAMPS = Path("/usr/share/tuxpaint/stamps")
OPENCV = Path("/usr/share/doc/opencv-doc/examples/data")
LABELS = Path(__file__).with_name("labelled_pictures.txt")

SCENES = (  # the photographs among opencv-doc's examples; the rest are drawings, masks and stereo twins
    "aero1.jpg", "aloeL.jpg", "apple.jpg", "baboon.jpg", "basketball1.png", "board.jpg", "box_in_scene.png",
    "building.jpg", "butterfly.jpg", "cards.png", "fruits.jpg", "graf1.png", "home.jpg", "left01.jpg", "leuvenA.jpg",
    "messi5.jpg", "orange.jpg", "rubberwhale1.png", "smarties.png", "squirrel_cls.jpg", "starry_night.jpg", "stuff.jpg",
)  # fmt: skip
PHOTOGRAPHED = ("animals", "food", "plants", "vehicles")  # stamp folders that are mostly photographs
SMALLEST_SIDE = 100  # pixels: below this a stamp is a blur when enlarged to a network's input


@dataclass(frozen=True)
class LabelledPicture:
    """A picture and the ImageNet-1k class indices that count as right (siblings are, where nobody could tell)."""

    path: Path
    classes: tuple[int, ...]


def calibration_pictures(n: int) -> list[Path]:
    """The first `n` calibration pictures: scenes and single objects in turn, always the same, none of them labelled.

    Raises ExportError naming the Debian package that is missing, or when there are fewer than `n`.
    """
    scenes = [_present(OPENCV / name, "opencv-doc") for name in SCENES]
    stamps = _unlabelled_stamps()
    pictures = [path for pair in zip(scenes, stamps, strict=False) for path in pair]
    pictures += stamps[len(scenes) :]
    if n > len(pictures):
        raise ExportError(f"{n} calibration pictures were asked for; the packages ship {len(pictures)}")
    return pictures[:n]


def labelled_pictures() -> list[LabelledPicture]:
    """All 100 labelled pictures: foolbox's 20 (class in the file name), then the stamps of labelled_pictures.txt.

    Raises ExportError naming the package that is missing.
    """
    imagenet = sorted(_foolbox_data().glob("imagenet_*.jpg"))
    if not imagenet:
        raise ExportError("the package foolbox ships no ImageNet pictures", hint="pip install foolbox==3.3.4")
    labelled = [LabelledPicture(path, (int(path.stem.rpartition("_")[2]),)) for path in imagenet]
    for line in _labels():
        name, *classes = line.split()
        labelled.append(LabelledPicture(_stamp(name), tuple(int(index) for index in classes)))
    return labelled


def agreement_pictures(n: int) -> list[Path]:
    """`n` of the labelled pictures, evenly spread over both sources; never one that calibrates."""
    everything = [picture.path for picture in labelled_pictures()]
    if not 0 < n <= len(everything):
        raise ExportError(f"{n} pictures were asked for to compare outputs; there are {len(everything)}")
    return [everything[index * len(everything) // n] for index in range(n)]


def _unlabelled_stamps() -> list[Path]:
    """Photographs of the stamps package in an order that mixes its folders."""
    from PIL import Image

    labelled = {line.split()[0] for line in _labels()}
    _stamp("")
    chosen = []
    for folder in PHOTOGRAPHED:
        for path in sorted((STAMPS / folder).rglob("*.png")):
            name = path.relative_to(STAMPS).as_posix()
            if name in labelled or "cartoon" in name or name.endswith("_mirror.png"):
                continue
            with Image.open(path) as picture:
                if min(picture.size) >= SMALLEST_SIDE:
                    chosen.append(path)
    stride = 7  # far apart; made coprime to the count, so that every stamp comes once
    while math.gcd(stride, len(chosen)) != 1:
        stride += 1
    return [chosen[index * stride % len(chosen)] for index in range(len(chosen))]


def _labels() -> list[str]:
    lines = LABELS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _stamp(name: str) -> Path:
    return _present(STAMPS / name, "tuxpaint-stamps-default")


def _present(path: Path, package: str) -> Path:
    if not path.exists():
        hint = f"install the Debian package: apt-get install {package}"
        raise ExportError(f"calibration needs pictures of {package}: {path} is missing", hint=hint)
    return path


def _foolbox_data() -> Path:
    spec = importlib.util.find_spec("foolbox")
    if spec is None or spec.origin is None:
        raise ExportError("comparing outputs needs the pictures of foolbox", hint="pip install foolbox==3.3.4")
    return Path(spec.origin).parent / "data"
