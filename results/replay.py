"""derived.json: what a run's evidence was turned into, and whether it is turned into the same today."""

from __future__ import annotations

import json
from pathlib import Path

from foundation.cache import written_whole
from foundation.errors import StorageError
from results.derive import cells
from results.store import DERIVED_FILE, Evidence


def derived_text(evidence: Evidence) -> str:
    """Everything derived from the evidence as JSON, one cell a line; equal evidence gives equal bytes."""
    body = ",\n".join(cell.to_json() for cell in cells(evidence))
    return f'{{"run":{json.dumps(evidence.run.id)},"cells":[\n{body}\n]}}\n'


def write_derived(evidence: Evidence) -> Path:
    """Write derived.json beside the evidence. Raises StorageError when it cannot be written."""
    path = _path(evidence)
    with written_whole(path) as temporary:
        temporary.write_text(derived_text(evidence))
    return path


def differences(evidence: Evidence) -> list[str]:
    """What derives differently today from what derived.json says, one line a field; empty when nothing does.

    Every value that derived.json holds must come out the same to the last bit. A field that it does not hold was added
    to CellResult later, and is no difference.

    Raises StorageError when there is no derived.json or it cannot be read.
    """
    path = _path(evidence)
    try:
        stored = path.read_text()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}", hint="the run did not end; go on with --resume") from error
    today = derived_text(evidence)
    if stored == today:
        return []
    return _changed(_cells(stored, path), _cells(today, path))


def _cells(text: str, path: Path) -> dict[str, dict[str, object]]:
    try:
        return {record["id"]: record for record in json.loads(text)["cells"]}
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged: {error}") from error


def _changed(old: dict[str, dict[str, object]], new: dict[str, dict[str, object]]) -> list[str]:
    lines = [f"{cell}: only in derived.json" for cell in sorted(old.keys() - new.keys())]
    lines += [f"{cell}: not in derived.json" for cell in sorted(new.keys() - old.keys())]
    for cell in sorted(old.keys() & new.keys()):
        for field, before in old[cell].items():
            after = new[cell].get(field, "absent")
            if before != after:
                lines.append(f"{cell}: {field} was {before}, is {after}")
    return lines


def _path(evidence: Evidence) -> Path:
    if evidence.folder is None:
        raise StorageError("this evidence has no folder")
    return evidence.folder / DERIVED_FILE
