"""Data sets as people keep them, and what is wrong with them, each in one message."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from exporters.datasets import load, synsets
from foundation.errors import UsageError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def by_name(data: str) -> dict[str, tuple[int, ...]]:
    return {picture.path.name: picture.classes for picture in load(data).pictures}


def test_synsets_are_imagenets_in_timms_order() -> None:
    spec = importlib.util.find_spec("timm")
    assert spec is not None, "timm is not installed: make setup"
    assert spec.origin is not None
    listed = (Path(spec.origin).parent / "data" / "_info" / "imagenet_synsets.txt").read_text().split()
    assert list(synsets()) == listed
    assert list(synsets().values()) == list(range(1000))


def test_class_folders_are_named_by_wordnet_id_or_by_index(tmp_path: Path) -> None:
    """n01440764 is ImageNet's class 0 (tench), n15075141 its last (toilet tissue)."""
    touch(tmp_path, "n01440764/a.JPEG", "n15075141/b.png", "17/deep/c.jpg", "17/.hidden.jpg", "17/notes.txt")
    assert by_name(str(tmp_path)) == {"a.JPEG": (0,), "b.png": (999,), "c.jpg": (17,)}


def test_a_table_names_pictures_beside_itself_and_several_right_classes(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text('path,class\na.jpg,3\n"b, c.jpg",n01440764\nd.jpg,30 31 32\n')
    found = load(str(tmp_path / "list.csv"))
    assert {(p.path, p.classes) for p in found.pictures} == {
        (tmp_path / "a.jpg", (3,)),
        (tmp_path / "b, c.jpg", (0,)),
        (tmp_path / "d.jpg", (30, 31, 32)),
    }


def test_fewer_pictures_are_a_random_sample_and_always_the_same(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{label}/{index}.jpg" for label in range(10) for index in range(30)))
    sample = load(str(tmp_path), 60)
    assert sample.pictures == load(str(tmp_path)).pictures[:60]
    # 60 of 10 classes of equal size: a class is missing with a chance of 10 * 0.9**60 = 2 %; a prefix by name has 2
    assert len({picture.classes for picture in sample.pictures}) == 10


def test_only_the_validation_sets_shape_is_comparable_with_published_accuracy(tmp_path: Path) -> None:
    rows = [f"{name}_{index}.jpg,{name}" for name in synsets() for index in range(50)]
    (tmp_path / "whole.csv").write_text("\n".join(rows))
    (tmp_path / "part.csv").write_text("\n".join(rows[:-1]))
    assert load(str(tmp_path / "whole.csv"), 100).validation
    assert not load(str(tmp_path / "part.csv")).validation
    assert not load("pictures").validation


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "has no class folders"),
        (("a.jpg",), "has no class folders"),
        (("0/notes.txt",), "hold no pictures"),
        (("cat/a.jpg",), "'cat' is not a class"),
        (("n00000001/a.jpg",), "n00000001 is not one of ImageNet-1k's 1000 classes"),
    ],
)
def test_a_folder_without_classes_is_one_clear_error(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(str(touch(tmp_path, *names)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no pictures"),
        ("a.jpg", "line 1 is not a path and a class"),
        ("a.jpg,0\nb.jpg,dog\n", "line 2: 'dog' is not a class"),
        ("a.jpg,0\nb.jpg,-1\n", "line 2: '-1' is not a class"),
    ],
)
def test_a_wrong_line_of_a_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        load(str(tmp_path / "list.csv"))


def test_more_pictures_than_there_are_is_an_error() -> None:
    with pytest.raises(UsageError, match="101 pictures were asked for, pictures has 100"):
        load("pictures", 101)


def test_a_class_outside_the_networks_range_is_named_with_its_picture(tmp_path: Path) -> None:
    data = load(str(touch(tmp_path, "9/a.jpg", "10/b.jpg")))
    data.check("eleven", 11)
    with pytest.raises(UsageError, match=r"b\.jpg has class 10, the classes of ten are 0 to 9"):
        data.check("ten", 10)


def test_imagenet_labels_are_refused_for_a_network_of_other_classes() -> None:
    with pytest.raises(UsageError, match="ImageNet-1k's 1000 classes, cifar has 10"):
        load("pictures").check("cifar", 10)


def test_a_data_set_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="there is no data set /nowhere"):
        load("/nowhere")
