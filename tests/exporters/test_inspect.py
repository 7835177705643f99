"""A user's own files, good and bad, read in a child process."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from exporters.inspect import read_model
from foundation.cache import sha256_file
from foundation.errors import ModelError, UsageError
from tests.exporters.artifacts import HOLE, TINY, Artifacts


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path / "cache"))


def relu(path: Path, *shapes: tuple[int | str, ...], operator: str = "Relu", domain: str = "") -> Path:
    """A file with one element-wise operator for each input shape."""
    nodes, inputs, outputs = [], [], []
    for index, shape in enumerate(shapes):
        nodes.append(helper.make_node(operator, [f"x{index}"], [f"y{index}"], domain=domain))
        inputs.append(helper.make_tensor_value_info(f"x{index}", TensorProto.FLOAT, shape))
        outputs.append(helper.make_tensor_value_info(f"y{index}", TensorProto.FLOAT, shape))
    opsets = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


@pytest.mark.parametrize("format", ["onnx", "tflite"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_file_is_read_back_as_the_exporter_described_it(
    tiny_artifacts: Artifacts, format: str, precision: str
) -> None:
    exported = tiny_artifacts[TINY, format, precision]
    found = read_model(exported.path)
    assert found.path == exported.path
    for same in ("sha256", "size_bytes", "format", "precision", "inputs", "outputs", "operators", "macs", "delegation"):
        assert getattr(found.artifact, same) == getattr(exported.artifact, same), same
    assert (found.artifact.weights.kind, found.artifact.params) == ("user", None)


def test_operators_left_to_the_interpreter_show_in_a_users_file(tiny_artifacts: Artifacts) -> None:
    found = read_model(tiny_artifacts[HOLE, "tflite", "fp32"].path).artifact
    assert found.delegation is not None
    assert "CUMSUM" in found.delegation.undelegated


def test_several_static_inputs_are_fine(tmp_path: Path) -> None:
    found = read_model(relu(tmp_path / "two.onnx", (1, 3, 8, 8), (1, 5))).artifact
    assert [(tensor.name, tensor.shape) for tensor in found.inputs] == [("x0", (1, 3, 8, 8)), ("x1", (1, 5))]


def test_reading_a_file_twice_starts_no_second_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = relu(tmp_path / "m.onnx", (1, 5))
    first = read_model(path)
    monkeypatch.setattr("subprocess.run", None)
    again = read_model(path)
    assert (again.artifact, again.cached, first.cached) == (first.artifact, True, False)


def test_no_torch_is_needed_to_read_a_file(
    tiny_artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('torch is not installed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for format in ("onnx", "tflite"):
        assert read_model(tiny_artifacts[TINY, format, "fp32"].path).artifact.macs > 0


def test_a_dynamic_input_is_measured_at_the_shape_given(tmp_path: Path) -> None:
    path = relu(tmp_path / "m.onnx", ("batch", 3, "height", "width"))
    with pytest.raises(ModelError, match=r"\(batch, 3, height, width\): dimension 0 is dynamic") as raised:
        read_model(path)
    assert "--input-shape x0=1,3,1,1" in raised.value.hint
    fixed = read_model(path, {"x0": (1, 3, 24, 24)})
    assert fixed.path != path
    assert fixed.artifact.sha256 == sha256_file(fixed.path)
    assert [tensor.shape for tensor in (*fixed.artifact.inputs, *fixed.artifact.outputs)] == [(1, 3, 24, 24)] * 2
    assert read_model(path, {"x0": (1, 3, 24, 24)}).cached


def test_a_tflite_file_keeps_the_shape_it_was_converted_with(tiny_artifacts: Artifacts) -> None:
    exported = tiny_artifacts[TINY, "tflite", "fp32"]
    name = exported.artifact.inputs[0].name
    with pytest.raises(UsageError, match="fixed when the file was converted"):
        read_model(exported.path, {name: (1, 64, 64, 3)})


@pytest.mark.parametrize("format", ["onnx", "tflite"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_a_truncated_file_is_one_clear_error(
    tiny_artifacts: Artifacts, tmp_path: Path, format: str, share: float
) -> None:
    data = tiny_artifacts[TINY, format, "fp32"].path.read_bytes()
    path = tmp_path / f"cut.{format}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError) as raised:
        read_model(path)
    assert f"cut.{format}" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("head", [b"", b"\x1c\x00\x00\x00TFL3"])
def test_random_bytes_are_one_clear_error(tmp_path: Path, head: bytes) -> None:
    for suffix in (".onnx", ".tflite"):
        path = tmp_path / f"random{suffix}"
        path.write_bytes(head + random.Random(7).randbytes(5000))
        with pytest.raises(ModelError, match="random"):
            read_model(path)


@pytest.mark.long
@pytest.mark.parametrize("format", ["onnx", "tflite"])
def test_a_flipped_bit_gives_an_artifact_or_one_clear_error(
    tiny_artifacts: Artifacts, tmp_path: Path, format: str
) -> None:
    chance = random.Random(11)
    data = tiny_artifacts[TINY, format, "fp32"].path.read_bytes()
    messages = []
    for trial in range(30):
        damaged = bytearray(data)
        damaged[chance.randrange(min(len(data), 3000))] ^= 1 << chance.randrange(8)
        path = tmp_path / f"{trial}.{format}"
        path.write_bytes(damaged)
        with contextlib.suppress(ModelError):
            messages.append(read_model(path).artifact.format)
    assert set(messages) <= {format}


def test_an_operator_that_the_runtime_lacks_is_named(tmp_path: Path) -> None:
    path = relu(tmp_path / "m.onnx", (1, 5), operator="Hologram", domain="example.org")
    with pytest.raises(ModelError, match="Hologram"):
        read_model(path)


def test_a_parser_that_crashes_takes_nothing_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the library that dies as a fault in native code would make it die."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, os, signal\n"
        "if any('exporters.inspect' in part for part in sys.orig_argv):\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"m\.onnx crashed its parser \(SIGSEGV\)"):
        read_model(relu(tmp_path / "m.onnx", (1, 5)))


def test_a_file_that_claims_huge_tensors_meets_the_memory_limit(tmp_path: Path) -> None:
    """20 GB of zeros: a reader without a limit would take the machine down."""
    shape = numpy_shape(tmp_path / "huge.onnx", [50_000, 100_000])
    with pytest.raises(ModelError, match="huge"):
        read_model(shape)


def numpy_shape(path: Path, dims: list[int]) -> Path:
    """A file that fills a tensor of `dims` and adds it to its input, its shapes left for the reader to find out."""
    nodes = [
        helper.make_node("Cast", ["floats"], ["dims"], to=TensorProto.INT64),
        helper.make_node("ConstantOfShape", ["dims"], ["filled"]),
        helper.make_node("Add", ["x", "filled"], ["y"]),
    ]
    floats = helper.make_tensor("floats", TensorProto.FLOAT, [len(dims)], [float(dim) for dim in dims])
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, [floats])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def test_a_file_that_is_not_there_or_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_model(tmp_path / "nothing.onnx")
    other = tmp_path / "model.pt"
    other.write_bytes(os.urandom(10))
    with pytest.raises(UsageError, match=r"neither \.onnx nor \.tflite"):
        read_model(other)
