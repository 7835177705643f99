"""Who may import whom (DESIGN.md section 3), and how light the command line starts."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = {
    "foundation": set(),
    "exporters": {"foundation"},
    "device_agents": {"foundation"},
    "results": {"foundation"},
    "bench": {"foundation", "exporters", "device_agents", "results"},
}
HEAVY = {
    "torch",
    "pydantic",
    "rich",
    "plotly",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "numpy",
    "scipy",
    "pyarrow",
    "duckdb",
    "pandas",
}


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Top-level package names that a file imports, and whether at module level."""
    tree = ast.parse(path.read_text())
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0], id(node) in top


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_down_the_floors(floor: str) -> None:
    allowed = FLOORS[floor] | {floor}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / floor).rglob("*.py")
        for name, _ in imported(path)
        if name in FLOORS and name not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("floor", ["foundation", "results", "device_agents", "bench"])
def test_only_exporters_know_torch(floor: str) -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in (ROOT / floor).rglob("*.py")
        for name, _ in imported(path)
        if name in {"torch", "litert_torch", "timm", "torchvision"}
    ]
    assert not wrong


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, bench.main as m; m.register_commands(); status = m.run(['--help']);"
        f"heavy = sorted(set(sys.modules) & {HEAVY!r}); sys.exit(f'imported {{heavy}}' if heavy or status else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert "Usage" in ended.stdout


def test_no_file_is_longer_than_400_lines() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split(
        "\n"
    )
    long = [
        name
        for name in tracked
        if name.endswith((".py", ".cc", ".h"))
        and (ROOT / name).exists()
        and len((ROOT / name).read_text().splitlines()) > 400
    ]
    assert not long
