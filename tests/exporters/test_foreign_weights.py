"""Weights from files and libraries: mapped strictly, or refused naming the first tensor that does not fit."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path

import pytest
import torch

from exporters.networks.registry import resolve
from exporters.weights import read_arrays
from foundation.errors import ExportError, UsageError
from tests.exporters.networks.reference import reference


def written(model: torch.nn.Module, path: Path) -> Path:
    if path.suffix == ".safetensors":
        importlib.import_module("safetensors.torch").save_file(model.state_dict(), path)
    else:
        torch.save(model.state_dict(), path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("name", "library", "inner"),
    [
        ("mobilenet_v3_small", "torchvision", "mobilenet_v3_small"),
        ("mobilenet_v3_small", "timm", "mobilenetv3_small_100"),
        ("squeezenet1_1", "torchvision", "squeezenet1_1"),
    ],
)
def test_a_librarys_file_gives_the_librarys_outputs(
    name: str, library: str, inner: str, suffix: str, tmp_path: Path
) -> None:
    theirs = reference(library, inner)
    network = resolve(name, str(written(theirs, tmp_path / f"weights{suffix}")))
    assert (network.weights.kind, network.weights.source) == ("user", f"weights{suffix}")
    x = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        expected = theirs(x)
        assert torch.allclose(network.build()(x), expected, atol=1e-4 * max(1.0, float(expected.abs().max())))


def test_a_file_of_our_own_names_is_read_back(tmp_path: Path) -> None:
    torch.manual_seed(7)
    ours = resolve("shufflenet_v2_x0_5").architecture()
    network = resolve("shufflenet_v2_x0_5", str(written(ours, tmp_path / "own.safetensors")))
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network.build()(x), ours(x))


def test_the_weights_of_another_network_are_refused_naming_the_first_that_does_not_fit(tmp_path: Path) -> None:
    path = written(resolve("mobilenet_v3_small").architecture(), tmp_path / "small.pth")
    with pytest.raises(ExportError, match=r"small\.pth: 1\.branch\.\S+ \(\S.*\) does not fit 1\.branch"):
        resolve("mobilenet_v3_large", str(path)).build()


def test_weights_with_a_tensor_too_few_are_refused(tmp_path: Path) -> None:
    state = resolve("shufflenet_v2_x0_5").architecture().state_dict()
    last = list(state)[-1]
    torch.save({name: tensor for name, tensor in state.items() if name != last}, tmp_path / "short.pth")
    with pytest.raises(ExportError, match=f"has nothing for {last}"):
        resolve("shufflenet_v2_x0_5", str(tmp_path / "short.pth")).build()


class Opens:
    """A pickle that would create a file when read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_with_code_in_it_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"weight": Opens(tmp_path / "ran")}, path)
    with pytest.raises(ExportError, match="would run code"):
        resolve("shufflenet_v2_x0_5", str(path)).build()
    assert not (tmp_path / "ran").exists()


def test_arrays_are_unpickled_and_code_among_them_is_not(tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError, match="neither an array"):
        read_arrays(pickle.dumps({"conv1": [Opens(tmp_path / "ran")]}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"nothing of the kind" * 40])
def test_a_damaged_file_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    for suffix in (".pth", ".safetensors"):
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(content)
        with pytest.raises(ExportError, match="damaged"):
            resolve("shufflenet_v2_x0_5", str(path)).build()


def test_a_file_that_does_not_exist_is_refused_before_anything_is_built() -> None:
    with pytest.raises(UsageError, match=r"no weights nowhere\.pth"):
        resolve("mobilenet_v2", "nowhere.pth")


def test_a_library_without_the_network_is_refused_naming_the_one_that_has_it() -> None:
    with pytest.raises(UsageError, match="torchvision has no mobilenet_v1") as refused:
        resolve("mobilenet_v1", "torchvision")
    assert "timm" in refused.value.hint


def test_librarys_preprocessing_comes_with_its_weights() -> None:
    network = resolve("squeezenet1_1", "torchvision")
    assert network.preprocessing is not None
    assert network.preprocessing.channel_order == "RGB"
    assert network.preprocessing.mean == pytest.approx((123.675, 116.28, 103.53))
