"""The agent's binary for a target: compiled on first need, then answered from the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Literal

from device_agents.targets import LITERT, Target, own_target
from foundation.cache import cache_root, key_of, sha256_file, written_whole
from foundation.errors import BuildError

Compiler = Literal["zig", "system"]

SOURCES = Path(__file__).parent / "agent"
FLAGS = ("-std=c++17", "-O2", "-g0", "-Wall", "-Wextra")
LINK_FLAGS = ("-s", "-ldl")


def build_agent(target: Target, *, compiler: Compiler = "zig", sources: Path = SOURCES) -> Path:
    """The agent for `target`; the cache's key is every source's hash, the flags and the compiler's version.

    `zig` is the ziglang wheel and builds for every target; `system` is this machine's `c++` (or `$CXX`), for its own
    target only. Raises BuildError with the compiler's first complaint.
    """
    command, version = _compiler(compiler, target)
    files = sorted([*sources.glob("*.cc"), *sources.glob("*.h")])
    defines = (f'-DPOCKETBENCH_TARGET="{target.name}"', f'-DPOCKETBENCH_LITERT_VERSION="{LITERT}"')
    key = key_of(
        {
            "sources": {path.name: sha256_file(path) for path in files},
            "command": [command[-1] if compiler == "system" else target.zig, *FLAGS, *LINK_FLAGS, *defines],
            "compiler": version,
        }
    )
    agent = cache_root() / "agents" / key[:32] / "agent"
    if not agent.exists():
        programs = [path for path in files if path.suffix == ".cc"]
        compile_program(programs, agent, target, compiler=compiler, flags=defines, include=sources)
    return agent


def _compiler(compiler: Compiler, target: Target) -> tuple[list[str], str]:
    """The compiler's command and its version's text."""
    if compiler == "system":
        if target.machine != own_target().machine:
            raise BuildError(f"this machine's compiler cannot build for {target.name}", hint="use the ziglang wheel")
        program = os.environ.get("CXX", "c++")
        if shutil.which(program) is None:
            raise BuildError(f"there is no compiler {program!r} here", hint="install g++, or use the ziglang wheel")
        return [program], _run([program, "--version"]).splitlines()[0]
    try:
        version = metadata.version("ziglang")
    except metadata.PackageNotFoundError as error:
        hint = "pip install ziglang, or ask for this machine's own compiler with --compiler system"
        raise BuildError("the compiler of the ziglang wheel is not installed", hint=hint) from error
    return [sys.executable, "-m", "ziglang", "c++", "-target", target.zig], f"zig {version}"


def compile_program(
    sources: Sequence[Path],
    program: Path,
    target: Target,
    *,
    compiler: Compiler = "zig",
    flags: Sequence[str] = (),
    link_flags: Sequence[str] = LINK_FLAGS,
    include: Path = SOURCES,
) -> None:
    """Compile C++ files side by side and link them into `program`. Raises BuildError."""
    command = [*_compiler(compiler, target)[0], *FLAGS, *flags]
    with tempfile.TemporaryDirectory(prefix="pocketbench-build-") as folder:

        def compiled(source: Path) -> str:
            made = Path(folder) / f"{source.stem}.o"
            # Run beside the source, so that no folder's name reaches the binary: the same bytes everywhere.
            _run([*command, "-I", str(include), "-c", source.name, "-o", str(made)], source.parent)
            return str(made)

        with ThreadPoolExecutor(os.cpu_count()) as workers:
            objects = list(workers.map(compiled, sources))
        with written_whole(program) as path:
            _run([*command, *objects, "-o", str(path), *link_flags])
    program.chmod(0o755)


def _run(command: list[str], folder: Path | None = None) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        complaint = re.search(r".*error:.*", ended.stderr)
        text = complaint.group(0) if complaint else ended.stderr.strip()[-600:] or f"exit status {ended.returncode}"
        raise BuildError(f"the agent could not be compiled: {text.strip()}", hint="run `bench doctor`")
    return ended.stdout
