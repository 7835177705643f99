"""Where the outputs of real devices lie: beside the project, or where POCKETBENCH_RECORDED says."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("POCKETBENCH_RECORDED", Path(__file__).parents[3] / "shared" / "recorded"))


def recorded(name: str) -> str:
    """A recorded text as it is on the disk, line ends included."""
    return (ROOT / name).read_bytes().decode("utf-8", "replace")


def every(folder: str, *patterns: str) -> list[str]:
    """Names of all recorded files of a folder, those kept aside included where the override points at them."""
    found = [path for pattern in patterns or ("*",) for path in (ROOT / folder).glob(pattern) if path.is_file()]
    return sorted(str(path.relative_to(ROOT)) for path in found)
