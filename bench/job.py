"""One cell as the job file that the agent reads (device_agents/agent/PROTOCOL.md)."""

from __future__ import annotations

from collections.abc import Mapping

from foundation.artifact import Artifact
from results.evidence import PROTOCOL, Cell, Clock

RUNTIME_OF = {"onnx": "onnxruntime", "tflite": "litert"}


def job_text(
    cell: Cell,
    artifact: Artifact,
    *,
    library: str,
    model: str,
    scratch: str,
    cores: str,
    clock: Clock,
    seed: int,
    settings: Mapping[str, str],
) -> str:
    """Flat `key value` lines; paths are those of the device. Raises ValueError when a value would break a line."""
    pairs = [
        ("protocol", str(PROTOCOL)),
        ("runtime", RUNTIME_OF[cell.format]),
        ("library", library),
        ("model", model),
        ("scratch", scratch),
        ("threads", str(cell.threads)),
        ("cores", cores),
        ("clock", clock),
        ("seed", str(seed)),
        *((f"option {key}", value) for key, value in sorted(artifact.session_config.items())),
        *settings.items(),
    ]
    if cell.format == "onnx":  # the file itself may be dynamic; the artifact's shapes are the ones to measure
        pairs += [
            ("shape", f"{index} {','.join(map(str, tensor.shape))}") for index, tensor in enumerate(artifact.inputs)
        ]
    if any("\n" in value for _, value in pairs):
        raise ValueError("a job's value contains a line end")
    return "".join(f"{key} {value}\n" for key, value in pairs)
