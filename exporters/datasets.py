"""Labelled pictures to judge a network with: an ImageNet-style folder, a CSV, or those that packages ship.

A set is put into one seeded order when it is read, so that its first N pictures are a random sample of it.
"""

from __future__ import annotations

import csv
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from exporters.pictures import LabelledPicture, labelled_pictures
from foundation.errors import UsageError

PACKAGED: Final = "pictures"  # the data set that packages ship
IMAGENET_CLASSES: Final = 1000
VALIDATION_PICTURES: Final = 50  # of each class
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
HEADERS: Final = frozenset({"path", "file", "filename", "image", "picture"})  # a CSV's first cell that is no picture
SPLITS: Final = frozenset({"train", "val", "valid", "validation", "test"})  # folder names that need their parent's
ORDER_SEED: Final = 0


@dataclass(frozen=True)
class DataSet:
    """Pictures in the order in which they are shown to a network.

    `imagenet`: the labels are ImageNet-1k's for certain. `validation`: the pictures are a random sample, or all, of a
    folder that has its validation set's shape: 50 pictures in each of 1000 classes.
    """

    name: str
    imagenet: bool
    validation: bool
    pictures: tuple[LabelledPicture, ...]

    def check(self, network: str, classes: int) -> None:
        """Raises UsageError when the labels cannot be those of a network with that many classes."""
        if self.imagenet and classes != IMAGENET_CLASSES:
            raise UsageError(
                f"{self.name} is labelled with ImageNet-1k's {IMAGENET_CLASSES} classes, {network} has {classes}",
                hint="give --data pictures of this network's own classes, in folders named by class index",
            )
        for picture in self.pictures:
            if max(picture.classes) >= classes:
                raise UsageError(
                    f"{picture.path} has class {max(picture.classes)}, the classes of {network} are 0 to {classes - 1}",
                    hint="are these the classes that this network was trained for?",
                )


def load(data: str, pictures: int | None = None) -> DataSet:
    """The data set that `--data` means, its first `pictures` only when that is given.

    Raises UsageError for a folder without classes, a class that nobody knows, or too few pictures; ExportError where
    the packages of `pictures` are missing.
    """
    if data == PACKAGED:
        name, imagenet, found = PACKAGED, True, labelled_pictures()
    else:
        path = Path(data).expanduser()
        if path.is_dir():
            imagenet, found = _folder(path)
        elif path.is_file():
            imagenet, found = _table(path)
        else:
            raise UsageError(
                f"there is no data set {data}", hint=f"give a folder of class folders, a CSV, or {PACKAGED}"
            )
        name = _name(path)
    found.sort(key=lambda picture: str(picture.path))
    random.Random(ORDER_SEED).shuffle(found)
    if pictures is not None and pictures > len(found):
        raise UsageError(f"{pictures} pictures were asked for, {name} has {len(found)}", hint="leave out --pictures")
    counts = Counter(picture.classes for picture in found)
    validation = imagenet and len(counts) == IMAGENET_CLASSES and set(counts.values()) == {VALIDATION_PICTURES}
    return DataSet(name, imagenet, validation, tuple(found[:pictures]))


@cache
def synsets() -> dict[str, int]:
    """WordNet id -> class index of ImageNet-1k."""
    text = Path(__file__).with_name("imagenet_synsets.txt").read_text(encoding="utf-8")
    ids = [name for line in text.splitlines() if not line.startswith("#") for name in line.split()]
    return {name: index for index, name in enumerate(ids)}


def _name(path: Path) -> str:
    path = path.resolve()
    return f"{path.parent.name}/{path.name}" if path.name in SPLITS else path.name


def _folder(root: Path) -> tuple[bool, list[LabelledPicture]]:
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise UsageError(
            f"{root} has no class folders", hint="put the pictures of a class into a folder named n01440764 or 0"
        )
    found = []
    for folder in folders:
        label = _class(folder.name, f"the folder {folder}")
        found += [LabelledPicture(path, (label,)) for path in _pictures(folder)]
    if not found:
        raise UsageError(f"the class folders of {root} hold no pictures", hint=f"suffixes are {', '.join(SUFFIXES)}")
    return all(folder.name in synsets() for folder in folders), found


def _pictures(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path


def _table(table: Path) -> tuple[bool, list[LabelledPicture]]:
    found = []
    imagenet = True
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            for number, row in enumerate(csv.reader(stream), start=1):
                if not row or (number == 1 and row[0].strip().lower() in HEADERS):
                    continue
                where = f"{table}, line {number}"
                if len(row) != 2 or not row[1].strip():
                    raise UsageError(f"{where} is not a path and a class", hint="write PATH,CLASS on each line")
                labels = row[1].split()
                imagenet &= all(label in synsets() for label in labels)
                classes = tuple(_class(label, where) for label in labels)
                found.append(LabelledPicture(table.parent / row[0].strip(), classes))
    except (csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{table} is not a CSV file: {error}", hint="write PATH,CLASS on each line") from error
    if not found:
        raise UsageError(f"{table} names no pictures", hint="write PATH,CLASS on each line")
    return imagenet, found


def _class(text: str, where: str) -> int:
    if text in synsets():
        return synsets()[text]
    if re.fullmatch(r"n\d{8}", text):
        raise UsageError(
            f"{where}: {text} is not one of ImageNet-1k's {IMAGENET_CLASSES} classes",
            hint="name classes of another data set by the network's class index",
        )
    if re.fullmatch(r"\d{1,7}", text):
        return int(text)
    raise UsageError(
        f"{where}: '{text}' is not a class", hint="name it by its WordNet id (n01440764) or by its index (0)"
    )
