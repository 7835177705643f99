"""How a TFLite file falls to the XNNPACK delegate: asked of the runtime itself, not guessed from operator types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from exporters.graphs.tflite import load
from foundation.artifact import Delegation
from foundation.errors import ModelError


def delegation(path: Path) -> Delegation:
    """Partitions, operators left outside, and TRANSPOSE operators of the file.

    LiteRT appends a DELEGATE node for each partition and keeps the nodes that it replaced. A node was replaced when
    the partition's outputs depend on it without passing the partition's inputs.
    Raises ModelError where the runtime refuses the file. Parses the file in this process: call it in a child.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"LiteRT cannot run {path}: {error}") from error
    nodes: list[dict[str, Any]] = interpreter._get_ops_details()
    count = len(load(path).subgraph.operators)
    original, partitions = nodes[:count], nodes[count:]
    producers = {int(tensor): index for index, node in enumerate(original) for tensor in node["outputs"]}
    replaced: set[int] = set()
    for partition in partitions:
        inputs = {int(tensor) for tensor in partition["inputs"]}
        waiting = [int(tensor) for tensor in partition["outputs"]]
        while waiting:
            index = producers.get(waiting.pop())
            if index is None or index in replaced:
                continue
            replaced.add(index)
            waiting += [int(tensor) for tensor in original[index]["inputs"] if int(tensor) not in inputs]
    return Delegation(
        partitions=len(partitions),
        undelegated=tuple(node["op_name"] for index, node in enumerate(original) if index not in replaced),
        transposes=sum(node["op_name"] == "TRANSPOSE" for node in original),
    )
