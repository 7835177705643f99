"""The exit codes that callers rely on are those that the README documents."""

from __future__ import annotations

import re
from pathlib import Path

from foundation.errors import Exit, PocketbenchError


def test_the_readme_documents_every_exit_code() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    table = readme.split("## Exit codes")[1].split("##")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == set(map(int, Exit))


def test_every_error_has_a_documented_exit_code() -> None:
    assert PocketbenchError.__subclasses__()
    assert all(kind.exit_code in set(Exit) for kind in PocketbenchError.__subclasses__())
