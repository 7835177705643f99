"""Running the agent in tests: a job written, the program run to its end, its lines read by the schema."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from device_agents.bundle import Bundle, bundle
from device_agents.targets import own_target
from results.evidence import Failure, Line, parse_line

RUNTIME = {"onnx": "onnxruntime", "tflite": "litert"}
SHORT = {"warmup_fixed": 2, "samples_fixed": 5, "profile_runs": 3, "values": 1}
Kind = TypeVar("Kind")


@cache
def own_bundle() -> Bundle:
    """This machine's bundle, built once."""
    return bundle(own_target().name)


def write_job(folder: Path, model: bytes | Path, format: str, *lines: str, **settings: object) -> Path:
    """A job file in `folder` for a model; settings default to SHORT's."""
    if isinstance(model, bytes):
        path = folder / f"model.{format}"
        path.write_bytes(model)
        model = path
    made = own_bundle()
    runtime = RUNTIME[format]
    pairs = {
        "protocol": 1,
        "runtime": runtime,
        "library": made.files[made.library(runtime)],
        "model": model,
        "scratch": folder / "scratch",
        **SHORT,
        **settings,
    }
    job = folder / "job"
    job.write_text("".join(f"{key} {value}\n" for key, value in pairs.items()) + "".join(f"{line}\n" for line in lines))
    return job


@dataclass
class Answer:
    """How an agent's run ended; every line of stdout has passed the schema."""

    status: int
    lines: list[Line]
    stderr: str

    def one(self, kind: type[Kind]) -> Kind:
        """The only record of that kind."""
        found = [line for line in self.lines if isinstance(line, kind)]
        assert len(found) == 1, (kind, self.lines, self.stderr)
        return found[0]

    @property
    def error(self) -> Failure:
        """The error that ended the run: the last line, and exit status 1."""
        assert self.status == 1, self
        assert self.lines[-1].kind == "error", self
        return self.one(Failure)


def run_agent(job: Path, *prefix: str) -> Answer:
    """Run the agent on a job; `prefix` are words before its own, such as those of taskset."""
    command = [*prefix, str(own_bundle().files["agent"]), str(job)]
    # Runtimes print a damaged file's bytes on stderr.
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=300)
    return Answer(ended.returncode, [parse_line(line) for line in ended.stdout.splitlines()], ended.stderr)


def measure(folder: Path, model: bytes, format: str, *lines: str, **settings: object) -> Answer:
    """Write the job and run it."""
    return run_agent(write_job(folder, model, format, *lines, **settings))


def generated(seed: int, shape: tuple[int, ...], dtype: str) -> NDArray[np.generic]:
    """The generated input as PROTOCOL.md defines it, computed here a second time."""
    state, mask, words = seed, 2**64 - 1, []
    for _ in range(int(np.prod(shape))):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        words.append(z ^ (z >> 31))
    kind = np.dtype(dtype)
    if kind.kind == "f":
        drop, scale = {4: (40, 23), 8: (11, 52), 2: (53, 10)}[kind.itemsize]
        return np.array([(word >> drop) / 2**scale - 1 for word in words], kind).reshape(shape)
    if kind.kind == "b":
        return np.array([word >> 63 for word in words], kind).reshape(shape)
    bits = 8 * kind.itemsize
    return np.array([word >> (64 - bits) for word in words], f"u{kind.itemsize}").view(kind).reshape(shape)
