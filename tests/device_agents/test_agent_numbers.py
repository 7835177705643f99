"""The agent's outputs against numpy and against the runtimes' own Python interfaces."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from results.evidence import Loaded, Output
from tests.device_agents.agent_runs import generated, measure
from tests.device_agents.tiny_models import (
    DENSE,
    IMAGE,
    INT8_INPUT,
    INT8_OUTPUT,
    KERNEL,
    conv_onnx,
    conv_tflite,
    int8_tflite,
    two_inputs_onnx,
    two_inputs_tflite,
)

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def convolved(nchw: NDArray[np.float32]) -> NDArray[np.float64]:
    """The model's output for a batch of pictures, by its definition."""
    padded = np.pad(nchw.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    convolution = np.einsum("bchwij,ocij->bohw", windows, KERNEL.astype(float))
    return np.maximum(convolution, 0).mean((2, 3)) @ DENSE


def values_of(output: Output) -> NDArray[np.float64]:
    assert output.values is not None
    return np.array(output.values)


def test_generated_input_is_the_documented_one_for_onnx(tmp_path: Path) -> None:
    output = measure(tmp_path, conv_onnx(), "onnx", seed=5).one(Output)
    expected = convolved(generated(5, IMAGE, "float32"))
    np.testing.assert_allclose(values_of(output), expected.ravel(), atol=1e-4)


def test_generated_input_is_the_documented_one_for_tflite(tmp_path: Path) -> None:
    output = measure(tmp_path, conv_tflite(), "tflite", seed=5).one(Output)
    nhwc = generated(5, (1, 32, 32, 3), "float32")
    np.testing.assert_allclose(values_of(output), convolved(nhwc.transpose(0, 3, 1, 2)).ravel(), atol=1e-4)


def test_outputs_equal_the_python_runtimes_bit_for_bit(tmp_path: Path, convolution: bytes, format: str) -> None:
    output = values_of(measure(tmp_path, convolution, format, seed=9).one(Output)).astype(np.float32)
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(convolution, providers=["CPUExecutionProvider"])
        expected = session.run(None, {"x": generated(9, IMAGE, "float32")})[0]
    else:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=convolution, num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], generated(9, (1, 32, 32, 3), "float32"))
        interpreter.invoke()
        expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(output, np.asarray(expected).ravel())


def test_int8_output_is_dequantized_by_the_files_own_parameters(tmp_path: Path) -> None:
    answer = measure(tmp_path, int8_tflite(), "tflite", seed=3)
    loaded = answer.one(Loaded)
    assert [tensor.dtype for tensor in (*loaded.inputs, *loaded.outputs)] == ["int8", "int8"]
    quantization = loaded.inputs[0].quantization
    assert quantization is not None
    assert (np.float32(quantization.scale), quantization.zero_point) == (np.float32(INT8_INPUT[0]), INT8_INPUT[1])
    stored = generated(3, (1, 4), "int8").astype(float)
    weight = 0.5 * np.array([[1, 2, -1, 4], [0, 5, 3, -2], [7, -3, 2, 1]])
    real = (INT8_INPUT[0] * (stored - INT8_INPUT[1])) @ weight.T
    scale, zero_point = INT8_OUTPUT
    expected = scale * (np.clip(np.round(real / scale) + zero_point, -128, 127) - zero_point)
    assert values_of(answer.one(Output)).tolist() == expected.ravel().tolist()


def test_each_of_several_inputs_has_its_own_numbers_onnx(tmp_path: Path) -> None:
    values = values_of(measure(tmp_path, two_inputs_onnx(), "onnx", seed=40).one(Output))
    a, b = generated(40, (2, 3), "float32"), generated(41, (2, 3), "int64")
    np.testing.assert_array_equal(values, (a + b.astype(np.float32)).ravel())


def test_each_of_several_inputs_has_its_own_numbers_tflite(tmp_path: Path) -> None:
    values = values_of(measure(tmp_path, two_inputs_tflite(), "tflite", seed=40).one(Output))
    a, b = generated(40, (2, 3), "float32"), generated(41, (2, 3), "float32")
    np.testing.assert_array_equal(values, (a * b).ravel())


def test_input_from_a_file(tmp_path: Path, convolution: bytes, format: str) -> None:
    picture = np.random.default_rng(1).normal(size=IMAGE).astype(np.float32)
    path = tmp_path / "a picture"
    path.write_bytes((picture if format == "onnx" else np.ascontiguousarray(picture.transpose(0, 2, 3, 1))).tobytes())
    output = measure(tmp_path, convolution, format, f"input 0 {path}").one(Output)
    np.testing.assert_allclose(values_of(output), convolved(picture).ravel(), atol=1e-4)


def test_batch_left_open_by_the_file_takes_the_jobs_shape_onnx(tmp_path: Path) -> None:
    answer = measure(tmp_path, conv_onnx("N"), "onnx", "shape 0 2,3,32,32")
    assert answer.one(Loaded).outputs[0].shape == (2, 10)
    expected = convolved(generated(0, (2, *IMAGE[1:]), "float32"))
    np.testing.assert_allclose(values_of(answer.one(Output)), expected.ravel(), atol=1e-4)


def test_batch_left_open_by_the_file_takes_the_jobs_shape_tflite(tmp_path: Path) -> None:
    answer = measure(tmp_path, conv_tflite(-1), "tflite", "shape 0 2,32,32,3")
    assert answer.one(Loaded).outputs[0].shape == (2, 10)
    expected = convolved(generated(0, (2, 32, 32, 3), "float32").transpose(0, 3, 1, 2))
    np.testing.assert_allclose(values_of(answer.one(Output)), expected.ravel(), atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_the_output(tmp_path: Path, convolution: bytes, format: str, threads: int) -> None:
    output = measure(tmp_path, convolution, format, threads=threads).one(Output)
    nchw = generated(0, IMAGE, "float32")
    if format == "tflite":
        nchw = generated(0, (1, 32, 32, 3), "float32").transpose(0, 3, 1, 2)
    np.testing.assert_allclose(values_of(output), convolved(nchw).ravel(), atol=1e-4)
