"""Where pictures come from, and how one becomes an input: expected values are arithmetic on pictures made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exporters import pictures
from exporters.preprocessing import prepare
from foundation.artifact import Preprocessing
from foundation.errors import ExportError, UsageError

PLAIN = Preprocessing(
    size=10,
    crop=1.0,
    interpolation="bilinear",
    channel_order="RGB",
    mean=(10.0, 20.0, 30.0),
    scale=(1.0, 2.0, 4.0),
)


def test_no_picture_calibrates_and_judges() -> None:
    calibration = pictures.calibration_pictures(64)
    judging = {picture.path for picture in pictures.labelled_pictures()}
    assert len(set(calibration)) == 64
    assert len(judging) == 100
    assert judging.isdisjoint(calibration)
    assert set(pictures.agreement_pictures(50)) <= judging
    assert len(set(pictures.agreement_pictures(50))) == 50


def test_labels_are_imagenet_classes() -> None:
    labelled = {picture.path.name: picture.classes for picture in pictures.labelled_pictures()}
    assert labelled["frog.png"] == (30, 31, 32)
    assert all(0 <= index < 1000 for classes in labelled.values() for index in classes)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "STAMPS", tmp_path)
    with pytest.raises(ExportError) as raised:
        pictures.labelled_pictures()
    assert raised.value.hint == "install the Debian package: apt-get install tuxpaint-stamps-default"
    monkeypatch.setattr(pictures, "OPENCV", tmp_path)
    with pytest.raises(ExportError, match="opencv-doc"):
        pictures.calibration_pictures(4)


def test_channels_are_shifted_scaled_and_put_first(tmp_path: Path) -> None:
    path = tmp_path / "flat.png"
    Image.new("RGB", (30, 20), (110, 60, 50)).save(path)
    prepared = prepare(path, PLAIN)
    assert (prepared.shape, prepared.dtype) == ((3, 10, 10), np.float32)
    assert np.unique(prepared.reshape(3, -1), axis=1).tolist() == [[100.0], [20.0], [5.0]]


def test_mean_and_scale_follow_the_networks_channel_order(tmp_path: Path) -> None:
    path = tmp_path / "flat.png"
    Image.new("RGB", (20, 20), (110, 60, 50)).save(path)
    prepared = prepare(path, PLAIN.model_copy(update={"channel_order": "BGR"}))
    assert prepared[:, 0, 0].tolist() == [40.0, 20.0, 20.0]


def test_a_photograph_is_cropped_to_its_centre(tmp_path: Path) -> None:
    """A 40x20 picture, black but for its centre 10x10: half of the shorter side is the centre alone."""
    path = tmp_path / "centre.png"
    picture = Image.new("RGB", (40, 20), "black")
    picture.paste((200, 200, 200), (15, 5, 25, 15))
    picture.save(path)
    settings = PLAIN.model_copy(update={"crop": 0.5, "mean": (0.0, 0.0, 0.0), "scale": (1.0, 1.0, 1.0)})
    assert np.unique(prepare(path, settings)).tolist() == [200.0]


def test_a_cut_out_object_stands_whole_on_white(tmp_path: Path) -> None:
    """Visible: 50x50 grey at a corner of 200x200. With 6 % margin it is 50 of 56 pixels wide, the rest is white."""
    path = tmp_path / "object.png"
    picture = Image.new("RGBA", (200, 200), (255, 0, 0, 0))
    picture.paste((100, 100, 100, 255), (0, 0, 50, 50))
    picture.save(path)
    settings = PLAIN.model_copy(update={"size": 56, "mean": (0.0, 0.0, 0.0), "scale": (1.0, 1.0, 1.0)})
    prepared = prepare(path, settings)
    assert (prepared == 100).sum() == 3 * 50 * 50
    assert (prepared == 255).sum() == 3 * (56 * 56 - 50 * 50)


def test_a_grey_picture_fills_three_equal_channels(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("L", (12, 12), 90).save(path)
    assert prepare(path, PLAIN)[:, 0, 0].tolist() == [80.0, 35.0, 15.0]


def damaged(path: Path) -> None:
    Image.new("RGB", (50, 50)).save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:60])


def animated(path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: Image.new("CMYK", (8, 8)).save(path, format="JPEG"), "has CMYK pixels"),
        (lambda path: Image.new("I;16", (8, 8)).save(path, format="PNG"), "has I;16 pixels"),
        (animated, "is animated"),
        (damaged, "cannot be read as a picture"),
        (lambda path: path.write_text("no picture"), "cannot be read as a picture"),
    ],
    ids=["cmyk", "16-bit", "animated", "damaged", "text"],
)
def test_what_is_no_still_8_bit_picture_is_one_clear_error(tmp_path: Path, write: object, message: str) -> None:
    path = tmp_path / "picture"
    assert callable(write)
    write(path)
    with pytest.raises(UsageError, match=message):
        prepare(path, PLAIN)
