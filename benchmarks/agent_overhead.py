"""The agent's latency over that of a bare Python loop around the same runtime; it must be 1.00 +- 0.02.

    python benchmarks/agent_overhead.py                        mobilenet_v2 and squeezenet1_1, exported when needed
    python benchmarks/agent_overhead.py --model a.onnx --model b.tflite --threads 2

Each round measures one model by the agent and by the loop, each in a fresh process; the two take turns of 0.1 s. The
loop is ONNX Runtime with IO binding, or LiteRT's own CompiledModel, with the same threads. A process's latency is the
median of its undisturbed samples; the figure is the median over rounds of agent / loop, with the 95 % interval of the
binomial distribution. Run it on a quiet machine. Where it cannot be quiet, begin the command with `chrt -f 10` and ask
for `--quantile 0.1`: a neighbour on the other half of a core makes two humps, and a median falls now on one, now on
the other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))

from device_agents.bundle import bundle
from device_agents.targets import own_target
from results.evidence import Samples, parse_line

NETWORKS = ("mobilenet_v2", "squeezenet1_1")
RUNTIME = {".onnx": "onnxruntime", ".tflite": "litert"}
BOUND = 0.02
WARMUP_S = 0.4
SLICE_S = 0.1
LEAST_UNDISTURBED = 10
LOADED = {"agent": b'"cold"', "loop": b"loaded"}  # said before the warm-up


def artifacts() -> list[Path]:
    """The float artifacts of both networks in both formats, out of the export cache."""
    from exporters.service import Exported, Request, ensure

    found = []
    for made in ensure([Request(name, form, "fp32") for name in NETWORKS for form in ("onnx", "tflite")]):
        if not isinstance(made, Exported):
            sys.exit(f"{made.request}: {made.message}")
        found.append(made.path)
    return found


def input_for(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Uniform in [-1, 1), or over an integer type's range: what the agent generates, in distribution."""
    kind = np.dtype(dtype)
    generator = np.random.default_rng(0)
    if kind.kind == "f":
        return generator.uniform(-1, 1, shape).astype(kind)
    limits = np.iinfo(kind)
    return generator.integers(limits.min, limits.max, shape, kind, endpoint=True)


def onnxruntime_loop(path: Path, threads: int) -> Callable[[], object]:
    """One inference by ONNX Runtime with every tensor bound beforehand."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    kinds = {"tensor(float)": "float32", "tensor(int8)": "int8", "tensor(uint8)": "uint8"}
    for tensor in session.get_inputs():
        value = input_for(tuple(tensor.shape), kinds[tensor.type])
        binding.bind_ortvalue_input(tensor.name, onnxruntime.OrtValue.ortvalue_from_numpy(value))
    for tensor in session.get_outputs():
        value = np.zeros(tensor.shape, kinds[tensor.type])
        binding.bind_ortvalue_output(tensor.name, onnxruntime.OrtValue.ortvalue_from_numpy(value))
    return lambda: session.run_with_iobinding(binding)


def litert_loop(path: Path, threads: int) -> Callable[[], object]:
    """One inference by LiteRT's CompiledModel on buffers made beforehand."""
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.options import CpuOptions, Options

    model = CompiledModel.from_file(str(path), options=Options(cpu_options=CpuOptions(num_threads=threads)))
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    key = next(iter(model.get_signature_list()))
    for buffer, details in zip(inputs, model.get_input_tensor_details(key).values(), strict=True):
        buffer.write(input_for(tuple(details["shape"]), details["dtype"]))
    return lambda: model.run_by_index(0, inputs, outputs)


def bare_loop(path: Path, threads: int, samples: int) -> dict[str, list[int]]:
    """Wall time and involuntary context switches of `samples` inferences, after others to warm up."""
    run = (onnxruntime_loop if path.suffix == ".onnx" else litert_loop)(path, threads)
    print("loaded", flush=True)
    begin = time.monotonic()
    while time.monotonic() - begin < WARMUP_S:
        run()
    taken: dict[str, list[int]] = {"wall_ns": [], "preemptions": []}
    for _ in range(samples):
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        wall = time.perf_counter_ns()
        run()
        taken["wall_ns"].append(time.perf_counter_ns() - wall)
        taken["preemptions"].append(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches)
    return taken


def agent_command(path: Path, threads: int, samples: int, folder: Path) -> list[str]:
    """The agent on the same model; its job file is written into `folder`."""
    made = bundle(own_target().name)
    runtime = RUNTIME[path.suffix]
    settings = {
        "protocol": 1,
        "runtime": runtime,
        "library": made.files[made.library(runtime)],
        "model": path,
        "scratch": folder,
        "threads": threads,
        "warmup_min_ns": round(WARMUP_S * 1e9),
        "warmup_max_ns": round(WARMUP_S * 1e9),
        "samples_fixed": samples,
        "profile_runs": 0,
    }
    job = folder / "job"
    job.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    return [str(made.files["agent"]), str(job)]


def side_by_side(path: Path, threads: int, samples: int, order: random.Random) -> dict[str, dict[str, list[int]]]:
    """Both processes' samples, taken in turns: one is stopped for as long as the other runs.

    Whatever else the machine does falls on both alike. The inference during which a process is stopped is long;
    one in some ten, it does not move a median. Turns begin when both have loaded and are about to warm up: a process
    whose other one still loads, or has ended, has the caches to itself, for as much as 3 % of a median.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = [sys.executable, __file__, "--bare", str(path), "--threads", str(threads), "--samples", str(samples)]
        commands = {"loop": loop, "agent": agent_command(path, threads, samples, folder)}
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for each in order.sample(sorted(commands), 2):
                with (folder / each).open("wb") as stdout:
                    running[each] = subprocess.Popen(commands[each], stdout=stdout, stderr=subprocess.DEVNULL)
                while running[each].poll() is None and LOADED[each] not in (folder / each).read_bytes():
                    time.sleep(0.001)
                running[each].send_signal(signal.SIGSTOP)
            while any(process.poll() is None for process in running.values()):
                for process in running.values():
                    process.send_signal(signal.SIGCONT)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(SLICE_S)
                    process.send_signal(signal.SIGSTOP)
        finally:
            for process in running.values():
                process.kill()
                process.wait()
        for each, process in running.items():
            if process.returncode != 0:
                sys.exit(f"{' '.join(commands[each])} ended with {process.returncode}")
        said = (folder / "agent").read_text().splitlines()
        taken = next(line for line in map(parse_line, said) if isinstance(line, Samples))
        agent = {"wall_ns": list(taken.wall_ns), "preemptions": list(taken.preemptions)}
        return {"agent": agent, "loop": json.loads((folder / "loop").read_text().splitlines()[-1])}


def latency(taken: dict[str, list[int]], quantile: float) -> float | None:
    """Median (or that quantile) of the undisturbed samples in ns; None when there are too few."""
    calm = [wall for wall, count in zip(taken["wall_ns"], taken["preemptions"], strict=True) if count == 0]
    return float(np.quantile(calm, quantile)) if len(calm) >= LEAST_UNDISTURBED else None


def compare(
    path: Path, threads: int, rounds: int, samples: int, quantile: float, order: random.Random
) -> dict[str, object]:
    """The ratio of one model at one number of threads."""
    measured: dict[str, list[float]] = {"agent": [], "loop": []}
    spoiled = 0
    while len(measured["agent"]) < rounds and spoiled < rounds:
        taken = side_by_side(path, threads, samples, order)
        pair = {name: latency(each, quantile) for name, each in taken.items()}
        if None in pair.values():
            spoiled += 1  # the machine was too busy for a latency: this round says nothing
            continue
        for name, value in pair.items():
            measured[name].append(value or 0.0)
    if len(measured["agent"]) < 3:
        return {
            "model": path.name,
            "runtime": RUNTIME[path.suffix],
            "threads": threads,
            "rounds": 0,
            "spoiled": spoiled,
        }
    ratios = sorted(a / b for a, b in zip(measured["agent"], measured["loop"], strict=True))
    outside = int(stats.binom.ppf(0.025, len(ratios), 0.5)) - 1  # so many ratios lie beyond the interval on each side
    low, high = (ratios[outside], ratios[-1 - outside]) if outside >= 0 else (0.0, math.inf)
    return {
        "model": path.name,
        "runtime": RUNTIME[path.suffix],
        "threads": threads,
        "agent_ms": statistics.median(measured["agent"]) / 1e6,
        "loop_ms": statistics.median(measured["loop"]) / 1e6,
        "ratio": statistics.median(ratios),
        "low": low,
        "high": high,
        "rounds": len(ratios),
        "spoiled": spoiled,
    }


def main() -> int:
    """Print the table and the JSON; 1 when a ratio is out of bounds or could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, action="append", help="a model file, instead of the two networks")
    parser.add_argument("--threads", type=int, action="append", help="threads; may be repeated (default 1)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--quantile", type=float, default=0.5, help="of a process's samples (default: the median)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    if options.bare:
        print(json.dumps(bare_loop(options.bare, options.threads[0], options.samples)))
        return 0
    order = random.Random(options.seed)
    figures = []
    print("model                     runtime      threads   agent ms    loop ms   ratio    95 % interval   rounds")
    for path in options.model or artifacts():
        for threads in options.threads or [1]:
            figure = compare(path, threads, options.rounds, options.samples, options.quantile, order)
            figures.append(figure)
            head = f"{figure['model']:25} {figure['runtime']:12} {threads:7}"
            if figure["rounds"]:
                times = f"{figure['agent_ms']:10.3f} {figure['loop_ms']:10.3f} {figure['ratio']:7.4f}"
                print(f"{head} {times}   {figure['low']:.4f}-{figure['high']:.4f} {figure['rounds']:8}", flush=True)
            else:
                print(f"{head}   the machine was too busy in every round", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if all(figure["rounds"] and abs(figure["ratio"] - 1) <= BOUND for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
