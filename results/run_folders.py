"""Which runs a folder holds, told by each run's `run.json` alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

RUN_FILE: Final = "run.json"
_STARTED = re.compile(rb'"started":\s*"([^"]+)"')


def list_runs(root: Path) -> list[Path]:
    """Folders of runs under root, oldest first by their start time; a folder without a readable start is left out."""
    found = []
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    for name in names:  # plain strings: a thousand runs are listed before each question
        try:
            with open(f"{root}/{name}/{RUN_FILE}", "rb", buffering=0) as stream:  # noqa: PTH123
                match = _STARTED.search(stream.read(4096))
        except (FileNotFoundError, NotADirectoryError):
            continue
        if match:
            found.append((match[1], name))
    return [root / name for _, name in sorted(found)]
