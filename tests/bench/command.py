"""The `bench` command as a person runs it: a process of its own, with no torch in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
ENTRY = [sys.executable, "-c", "from bench.main import main; main()"]


def environment(folder: Path) -> dict[str, str]:
    """An environment in which importing torch fails, as on a base install."""
    blocked = folder / "no_torch"
    blocked.mkdir(exist_ok=True)
    (blocked / "torch.py").write_text("raise ImportError('this install has no torch')\n")
    return {**os.environ, "PYTHONPATH": f"{blocked}{os.pathsep}{ROOT}"}


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `bench` in `folder` to its end."""
    return subprocess.run(
        [*ENTRY, *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=300
    )


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `bench` in `folder`, in a process group of its own."""
    return subprocess.Popen(
        [*ENTRY, *arguments],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def trials(folder: Path) -> list[dict[str, object]]:
    """The whole trials on disk of the only run in `folder`."""
    [path] = (folder / "runs").glob("*/trials.jsonl")
    return [json.loads(line) for line in path.read_text().split("\n") if line.endswith("}")]


def until(condition: Callable[[], object], seconds: float = 180.0) -> None:
    """Wait for a state that must come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the awaited state never came"
        time.sleep(0.02)


def convolution(path: Path, *, channels: int = 4, inputs: int = 1, dynamic: bool = False) -> Path:
    """A small real model: `inputs` pictures of 3x16x16, each through a 3x3 convolution, summed."""
    rng = np.random.default_rng(0)
    side: int | str = "height" if dynamic else 16
    graph_inputs, nodes, weights = [], [], []
    for index in range(inputs):
        graph_inputs.append(helper.make_tensor_value_info(f"x{index}", TensorProto.FLOAT, [1, 3, side, 16]))
        weights.append(numpy_helper.from_array(rng.random((channels, 3, 3, 3), np.float32), f"w{index}"))
        nodes.append(helper.make_node("Conv", [f"x{index}", f"w{index}"], [f"c{index}"], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("Sum", [f"c{index}" for index in range(inputs)], ["y"]))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, channels, side, 16])
    graph = helper.make_graph(nodes, "small", graph_inputs, [output], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path
