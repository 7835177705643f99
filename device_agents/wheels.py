"""The runtimes' shared libraries, out of the wheels installed here or out of another platform's pinned wheels."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from device_agents.targets import LITERT, ONNXRUNTIME, Target, own_target
from foundation.cache import cache_root, written_whole
from foundation.errors import BuildError


@dataclass(frozen=True)
class RuntimeLibrary:
    """Where a runtime's library lies in its wheel, and what it is called in a bundle."""

    runtime: str  # as the agent names it
    distribution: str
    version: str
    module: str
    pattern: str  # of the path inside the module's folder
    file: str


RUNTIMES = (
    RuntimeLibrary(
        "onnxruntime", "onnxruntime", ONNXRUNTIME, "onnxruntime", "capi/libonnxruntime.so.*", "libonnxruntime.so"
    ),
    RuntimeLibrary("litert", "ai-edge-litert", LITERT, "ai_edge_litert", "libLiteRt.so", "libLiteRt.so"),
)


def runtime_library(runtime: RuntimeLibrary, target: Target) -> Path:
    """The library for `target`: the installed wheel's own file on this machine's kind, else one from a pinned wheel.

    Raises BuildError when the wheel is not installed in the pinned release, or cannot be fetched.
    """
    if target.machine == own_target().machine:
        return _installed(runtime)
    return _downloaded(runtime, target)


def _installed(runtime: RuntimeLibrary) -> Path:
    hint = f"pip install {runtime.distribution}=={runtime.version}"
    spec = importlib.util.find_spec(runtime.module)  # a top-level module is found without being imported
    if spec is None or not spec.submodule_search_locations:
        raise BuildError(f"{runtime.distribution} is not installed", hint=hint)
    version = metadata.version(runtime.distribution)
    if version != runtime.version:
        raise BuildError(f"{runtime.distribution} is {version}, the agent is built for {runtime.version}", hint=hint)
    found = sorted(Path(spec.submodule_search_locations[0]).glob(runtime.pattern))
    if len(found) != 1:
        raise BuildError(f"{runtime.distribution} {version} has no {runtime.pattern}", hint=hint)
    return found[0]


def _downloaded(runtime: RuntimeLibrary, target: Target) -> Path:
    library = cache_root() / "wheels" / f"{runtime.distribution}-{runtime.version}-{target.machine}" / runtime.file
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(prefix="pocketbench-wheel-") as folder:
        command = [sys.executable, "-m", "pip", "download", f"{runtime.distribution}=={runtime.version}"]
        command += ["--only-binary=:all:", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", folder]
        for minor in (17, 27, 28, 34, 35):
            command += ["--platform", f"manylinux_2_{minor}_{target.machine}"]
        command += ["--platform", f"manylinux2014_{target.machine}"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise BuildError(
                f"cannot fetch {' '.join(command[4:5])} for {target.machine}: {_complaint(ended.stderr)}",
                hint="check the network, and pip's settings",
                retryable=True,
            )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            pattern = f"{runtime.module}/{runtime.pattern}"
            names = [name for name in archive.namelist() if PurePosixPath(name).match(pattern)]
            if len(names) != 1:
                raise BuildError(f"{wheel.name} has no {pattern}")
            with written_whole(library) as path:
                path.write_bytes(archive.read(names[0]))
    return library


def _complaint(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")]
    return (errors or stderr.splitlines() or ["pip said nothing"])[-1]
