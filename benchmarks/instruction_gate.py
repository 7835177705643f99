"""Does the instruction gate find what makes a network slower, and only that?

    python benchmarks/instruction_gate.py [--checks 20] [--out FOLDER]

A baseline of MobileNetV3-Small (128 px; ONNX fp32, TFLite int8) on the emulated board; `--checks` checks of the same
files, which must all pass; then one check each of a network with an extra 1x1 convolution, with hard-swish left
undelegated in int8, with BatchNorm not folded, and of one from the legacy exporter, which must all fail and name an
operator. Prints a table; ends with 1 when a check is wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENTRY = [sys.executable, "-c", "from bench.main import main; main()"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)]),
    "ORT_DISABLE_TELEMETRY": "1",
}
EXPORT_BADLY = """
import sys, torch, gate_networks
module = gate_networks.plain().eval()
picture = torch.zeros(1, *gate_networks.NETWORK.input_shape)
options = {"unfolded": {"dynamo": True, "optimize": False}, "legacy": {"dynamo": False}}[sys.argv[1]]
names = {"input_names": ["input"], "output_names": ["output"]}
torch.onnx.export(module, (picture,), sys.argv[2], opset_version=18, external_data=False, **names, **options)
"""


def bench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `bench` and hand back what it printed."""
    return subprocess.run([*ENTRY, *arguments], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)


def succeed(ended: subprocess.CompletedProcess[str]) -> None:
    """Stop the benchmark when a step that prepares it failed."""
    if ended.returncode:
        sys.exit(f"{' '.join(ended.args[3:])} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")


def exported(function: str, format: str, precision: str, folder: Path) -> Path:
    """One file of a network of gate_networks, named as the baseline's: gate.onnx or gate.tflite."""
    place = folder / function / precision
    place.mkdir(parents=True)
    succeed(
        bench(
            "export",
            f"gate_networks:{function}",
            "--formats",
            format,
            "--precisions",
            precision,
            "--out",
            ".",
            cwd=place,
        )
    )
    [made] = place.glob(f"*.{format}")
    return made.rename(place / f"gate.{format}")


def badly(way: str, folder: Path) -> Path:
    """gate.onnx as an exporter writes it that we do not use."""
    place = folder / way
    place.mkdir()
    command = [sys.executable, "-c", EXPORT_BADLY, way, str(place / "gate.onnx")]
    succeed(subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True))
    return place / "gate.onnx"


def main() -> int:
    """Prepare, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=20)
    parser.add_argument("--out", type=Path, default=None, help="keep files and runs here")
    arguments = parser.parse_args()
    folder = arguments.out or Path(tempfile.mkdtemp(prefix="instruction_gate."))
    folder.mkdir(parents=True, exist_ok=True)
    onnx, tflite = exported("plain", "onnx", "fp32", folder), exported("plain", "tflite", "int8", folder)
    good = {"onnx": onnx, "tflite": tflite}
    for format, file in good.items():
        succeed(bench("run", "--device", "emulator", "--models", str(file), cwd=folder))
        succeed(bench("baseline", "save", f"{format}.json", "--run", "latest", cwd=folder))

    def checked(format: str, file: Path) -> tuple[int, str]:
        ended = bench(
            "check", "--baseline", f"{format}.json", "--device", "emulator", "--models", str(file), cwd=folder
        )
        return ended.returncode, (ended.stdout or ended.stderr).splitlines()[0]

    wrong = 0
    alarms = [checked(format, good[format])[0] != 0 for _ in range(arguments.checks // 2) for format in good]
    wrong += sum(alarms)
    print(f"unchanged network: {sum(alarms)} alarms in {len(alarms)} checks")
    candidates = {
        "an extra 1x1 convolution": ("tflite", exported("extra_convolution", "tflite", "int8", folder)),
        "hard-swish undelegated in int8": ("tflite", exported("undelegated_hard_swish", "tflite", "int8", folder)),
        "BatchNorm not folded": ("onnx", badly("unfolded", folder)),
        "the legacy exporter": ("onnx", badly("legacy", folder)),
    }
    for name, (format, file) in candidates.items():
        status, headline = checked(format, file)
        wrong += status != 1
        print(f"{name}: exit {status}, {headline}")
    if arguments.out is None:
        shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
