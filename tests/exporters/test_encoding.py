"""Pictures as the bytes of an artifact's input, against a second implementation that shares no code with ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from exporters.encoding import Encoder
from exporters.networks.registry import resolve
from exporters.pictures import labelled_pictures
from exporters.preprocessing import prepare
from foundation.artifact import Artifact, Preprocessing, Quantization, Tensor
from foundation.errors import UsageError
from tests.results.synthetic import artifact

# What the authors say: crop, interpolation's reach in source pixels, channels' order, mean, scale.
AUTHORS = {
    # efficientnet lite README and preprocessing.py: central 0.875, bicubic, (x - 127) / 128
    "efficientnet_lite0": (224, 0.875, "bicubic", "RGB", (127, 127, 127), (128, 128, 128)),
    # Caffe's deploy.prototxt of SqueezeNet: BGR less the mean pixel
    "squeezenet1_1": (224, 0.875, "bicubic", "BGR", (104.006, 116.669, 122.679), (1, 1, 1)),
    # torchvision references/classification: resize 256, crop 224, bilinear
    "mobilenet_v2": (224, 0.875, "bilinear", "RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}


def kernel(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The interpolation's weight at a distance of x: the triangle, or Keys' cubic with a = -1/2."""
    x = np.abs(x)
    if name == "bilinear":
        return np.clip(1 - x, 0, None)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def resizing(source: int, size: int, name: str) -> NDArray[np.float64]:
    """(size, source): each target pixel as a weighted mean of source pixels, the kernel stretched when shrinking."""
    stretch = max(1.0, source / size)
    centres = (np.arange(size) + 0.5) * source / size
    weights = kernel(name, ((np.arange(source) + 0.5)[np.newaxis] - centres[:, np.newaxis]) / stretch)
    return weights / weights.sum(axis=1, keepdims=True)


def expected(pixels: NDArray[np.uint8], name: str) -> NDArray[np.float64]:
    """(3, size, size), by the definition of each step, in double precision."""
    size, crop, interpolation, order, mean, scale = AUTHORS[name]
    height, width, _ = pixels.shape
    side = int(min(height, width) * crop)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side].astype(np.float64)
    matrix = resizing(side, size, interpolation)
    resized = np.clip(np.einsum("ys,xt,stc->yxc", matrix, matrix, square, optimize=True), 0, 255)
    if order == "BGR":
        resized = resized[..., ::-1]
    return ((resized - mean) / scale).transpose(2, 0, 1)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.uint8]]:
    y, x = np.mgrid[0:375, 0:500]
    random = np.random.default_rng(0)
    shades = [128 + 100 * np.sin(x / a + y / b) + random.normal(0, 8, x.shape) for a, b in ((9, 31), (40, 7), (23, 23))]
    pixels = np.clip(np.stack(shades, axis=-1), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("photograph") / "photograph.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


def file_for(preprocessing: Preprocessing, tensor: Tensor) -> Artifact:
    return artifact(preprocessing=preprocessing, inputs=(tensor,))


@pytest.mark.parametrize("name", AUTHORS)
def test_a_picture_is_prepared_as_its_authors_trained(name: str, photograph: tuple[Path, NDArray[np.uint8]]) -> None:
    """Within 1.2 grey levels: half a level for rounding at the end, and 0.5 for that between the two passes, which
    the second one's weights (absolute values up to 1.3 in sum) may enlarge."""
    path, pixels = photograph
    preprocessing = resolve(name).preprocessing
    assert preprocessing is not None
    wanted = expected(pixels, name)
    assert np.abs(prepare(path, preprocessing) - wanted).max() <= 1.2 / min(AUTHORS[name][5])
    encoded = Encoder(file_for(preprocessing, Tensor(name="x", dtype="float32", shape=(1, 3, 224, 224)))).encode(path)
    assert np.array_equal(np.frombuffer(encoded, np.float32).reshape(3, 224, 224), prepare(path, preprocessing))


@pytest.mark.parametrize("name", AUTHORS)
def test_an_int8_input_is_the_nearest_step_in_the_files_layout(
    name: str, photograph: tuple[Path, NDArray[np.uint8]]
) -> None:
    preprocessing = resolve(name).preprocessing
    assert preprocessing is not None
    scale, zero_point = (1.1, -17) if name == "squeezenet1_1" else (0.017, -5)
    tensor = Tensor(
        name="x", dtype="int8", shape=(1, 224, 224, 3), quantization=Quantization(scale=scale, zero_point=zero_point)
    )
    stored = np.frombuffer(Encoder(file_for(preprocessing, tensor)).encode(photograph[0]), np.int8)
    real = prepare(photograph[0], preprocessing).transpose(1, 2, 0).astype(np.float64)
    steps = np.clip(real / scale + zero_point, -128, 127)
    assert np.abs(stored.reshape(224, 224, 3) - steps).max() <= 0.5 + 1e-4


def test_wrong_channel_order_makes_squeezenets_score_collapse() -> None:
    """The network itself on the 100 labelled pictures: it was trained on BGR."""
    import torch

    network = resolve("squeezenet1_1")
    assert network.preprocessing is not None
    model, right = network.build(), {"BGR": 0, "RGB": 0}
    with torch.inference_mode():
        for order in ("BGR", "RGB"):
            preprocessing = network.preprocessing.model_copy(update={"channel_order": order})
            for picture in labelled_pictures():
                values = prepare(picture.path, preprocessing)[np.newaxis]
                right[order] += int(model(torch.from_numpy(values)).argmax()) in picture.classes
    assert right["BGR"] >= 60
    assert right["RGB"] <= right["BGR"] - 15


@pytest.mark.parametrize("shape", [(1, 1, 224, 224), (1, 3, 96, 96), (1, 128), (2, 3, 224, 224)])
def test_an_input_that_takes_no_picture_of_the_networks_size_is_refused(shape: tuple[int, ...]) -> None:
    preprocessing = resolve("mobilenet_v2").preprocessing
    assert preprocessing is not None
    with pytest.raises(UsageError, match="takes no RGB picture of 224 pixels"):
        Encoder(file_for(preprocessing, Tensor(name="x", dtype="float32", shape=shape)))


def test_a_users_own_file_has_no_preprocessing_to_guess_from() -> None:
    with pytest.raises(UsageError, match="not known how pictures become this model's input"):
        Encoder(artifact())
