"""What the agent says of models, jobs and libraries that it cannot use: one error record, exit status 1."""

from pathlib import Path

import numpy as np
import pytest

from tests.device_agents.agent_runs import measure, run_agent, write_job
from tests.device_agents.tiny_models import conv_onnx, conv_tflite


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, 0.99])
def test_truncated_model_is_refused(tmp_path: Path, convolution: bytes, format: str, kept: float) -> None:
    size = int(kept if kept > 1 else kept * len(convolution))
    answer = measure(tmp_path, convolution[:size], format)
    # LiteRT does not verify a file before it runs it: a short cut shows only there.
    assert answer.error.code in ({"MODEL"} if format == "onnx" else {"MODEL", "RUN"})
    assert not any(line.kind == "samples" for line in answer.lines)


def test_random_bytes_are_refused(tmp_path: Path, format: str) -> None:
    assert measure(tmp_path, np.random.default_rng(0).bytes(5000), format).error.code == "MODEL"


def test_missing_model_is_refused(tmp_path: Path, format: str) -> None:
    error = run_agent(write_job(tmp_path, tmp_path / "no such model", format)).error
    assert error.code == "MODEL"


def test_open_dimension_without_a_shape_is_named(tmp_path: Path) -> None:
    error = measure(tmp_path, conv_onnx("batch_size"), "onnx").error
    assert error.code == "DYNAMIC_SHAPE"
    assert "input 0 'x'" in error.message
    assert "dimension 0 'batch_size'" in error.message


def test_shape_that_contradicts_the_file_is_refused(tmp_path: Path, convolution: bytes, format: str) -> None:
    shape = "shape 0 1,3,33,32" if format == "onnx" else "shape 0 1,33,32,3"
    assert measure(tmp_path, convolution, format, shape).error.code == "INPUT"


def test_input_file_of_the_wrong_length_is_refused(tmp_path: Path, convolution: bytes, format: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(bytes(100))
    error = measure(tmp_path, convolution, format, f"input 0 {path}").error
    assert error.code == "INPUT"
    assert "100 bytes" in error.message


def test_input_that_the_model_has_not_is_refused(tmp_path: Path, convolution: bytes, format: str) -> None:
    assert measure(tmp_path, convolution, format, "input 1 /dev/null").error.code == "INPUT"


def test_library_that_is_no_runtime_is_refused(tmp_path: Path, convolution: bytes, format: str) -> None:
    error = measure(tmp_path, convolution, format, library="libm.so.6").error
    assert error.code == "LIBRARY"


def test_library_that_is_missing_is_refused(tmp_path: Path, convolution: bytes, format: str) -> None:
    error = measure(tmp_path, convolution, format, library=tmp_path / "libnothing.so").error
    assert error.code == "LIBRARY"
    assert "libnothing.so" in error.message


@pytest.mark.parametrize(
    "line",
    [
        "protocol 2",
        "speed high",
        "threads 0",
        "threads two",
        "samples_fixed -1",
        "clock minutes",
        "shape 0 1,x",
        "input x y",
    ],
)
def test_line_that_is_not_of_the_protocol_is_refused(tmp_path: Path, line: str) -> None:
    answer = measure(tmp_path, conv_tflite(), "tflite", line)
    assert answer.error.code == "JOB"


def test_scratch_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = measure(tmp_path, conv_tflite(), "tflite", scratch=tmp_path / "file" / "scratch").error
    assert error.code == "SCRATCH"
