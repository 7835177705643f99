"""Node data for Google's Model Explorer: operator times laid over the graph of the very file that was measured.

Open the .tflite in Model Explorer, then load this file as node data. Its graph is `main`, its nodes are the file's
operators by their index; operators that the runtime absorbed into others have no time of their own.
"""

from __future__ import annotations

import json

from foundation.errors import UsageError
from results.operators import operator_table
from results.verdicts import CellEvidence

GRAPH = "main"
COLD, HOT = "#fff7ec", "#b30000"


def node_data(cell: CellEvidence) -> bytes:
    """`{graph: {results: {node: {value}}, name, gradient}}`, times in microseconds (thousands of instructions).

    Raises UsageError for an onnx file, which Model Explorer reads by another adapter with other names, and where
    nothing was profiled.
    """
    if cell.cell.format != "tflite":
        raise UsageError("Model Explorer's node data is made for .tflite files", hint="add --format tflite")
    times: dict[int, float] = {}
    for row in operator_table(cell):
        if row.operator_order is not None:
            time = row.time if cell.timed else row.time / 1e3
            times[row.operator_order] = times.get(row.operator_order, 0.0) + time
    if not times:
        raise UsageError(f"no profiled operator of {cell.cell.id} is known to be one of the file's")
    unit = "µs" if cell.timed else "thousand instructions"
    graph = {
        "name": f"{unit}, {cell.cell.precision} on {cell.cell.device}",
        "results": {str(order): {"value": round(time, 3)} for order, time in sorted(times.items())},
        "gradient": [{"stop": 0, "bgColor": COLD}, {"stop": 1, "bgColor": HOT}],
    }
    return json.dumps({GRAPH: graph}, indent=1).encode()
