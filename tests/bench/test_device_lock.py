"""Two host processes and one device: the second is told who holds it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bench.command import bench, convolution, started, until


def test_no_wait_refuses_a_device_in_use_and_names_its_holder(tmp_path: Path) -> None:
    convolution(tmp_path / "a.onnx")
    first = started(tmp_path, "run", "--quick", "--trials", "60", "--models", "a.onnx")
    try:
        until(lambda: list((tmp_path / "runs").glob("*/trials.jsonl")), seconds=200)
        second = bench(tmp_path, "run", "--quick", "--models", "a.onnx", "--no-wait", "--out", "other")
        assert second.returncode == 4
        assert re.search(rf"local is in use by process {first.pid}\b", second.stderr)
        assert not list((tmp_path / "other").glob("*/run.json"))
    finally:
        first.kill()
        first.communicate()
