"""Names for the tiny artifacts that conftest.py exports."""

from __future__ import annotations

import functools

from exporters.catalog import definition_digest
from exporters.service import Exported, Request

TINY = "tests.exporters.tiny:tiny"
HOLE = "tests.exporters.tiny:broken_in_two"
REQUESTS = [
    Request(TINY, "onnx", "fp32"),
    Request(TINY, "onnx", "fp16"),
    Request(TINY, "onnx", "int8"),
    Request(TINY, "tflite", "fp32"),
    Request(TINY, "tflite", "fp16"),
    Request(TINY, "tflite", "int8"),
]

Artifacts = dict[tuple[str, str, str], Exported]  # by network, format, precision

# A user's function is counted in a child process each time it is named; for these tests once is enough.
digest_once = functools.cache(definition_digest)
