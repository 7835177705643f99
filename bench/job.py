"""One cell as the job file that the agent reads (device_agents/agent/PROTOCOL.md)."""

from __future__ import annotations

from collections.abc import Mapping

from foundation.artifact import Artifact
from results.evidence import PROTOCOL, Cell, Clock

RUNTIME_OF = {"onnx": "onnxruntime", "tflite": "litert"}

# x86 cores with one of these multiply u8 by s8 without an intermediate that saturates.
EXACT_X86 = {"avx512_vnni", "avx_vnni"}


def runtime_options(artifact: Artifact, target: str, cpuinfo: str) -> dict[str, str]:
    """Entries of the runtime's configuration for this file on a device with this /proc/cpuinfo.

    On AVX2 without VNNI onnxruntime's int8 kernels saturate (EfficientNet-Lite0 falls to 5.6 dB) unless told to be
    exact, which costs more than half of the speed: so only where the core needs it.
    """
    options = dict(artifact.session_config)
    saturates = target.endswith("x86_64") and not EXACT_X86.intersection(cpuinfo.split())
    if saturates and (artifact.format, artifact.precision) == ("onnx", "int8"):
        options["session.x64quantprecision"] = "1"
    return options


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
    options: Mapping[str, str],
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
        *((f"option {key}", value) for key, value in sorted(options.items())),
        *settings.items(),
    ]
    if cell.format == "onnx":  # the file itself may be dynamic; the artifact's shapes are the ones to measure
        pairs += [
            ("shape", f"{index} {','.join(map(str, tensor.shape))}") for index, tensor in enumerate(artifact.inputs)
        ]
    if any("\n" in value for _, value in pairs):
        raise ValueError("a job's value contains a line end")
    return "".join(f"{key} {value}\n" for key, value in pairs)
