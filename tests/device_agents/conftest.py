"""What the agent's tests share."""

from __future__ import annotations

import pytest

from tests.device_agents.tiny_models import conv_onnx, conv_tflite

CONVOLUTIONS = {"onnx": conv_onnx, "tflite": conv_tflite}


@pytest.fixture(params=["onnx", "tflite"])
def format(request: pytest.FixtureRequest) -> str:
    """Each format in turn, and so each runtime."""
    return str(request.param)


@pytest.fixture
def convolution(format: str) -> bytes:
    """The small convolutional model in that format."""
    return CONVOLUTIONS[format]()
