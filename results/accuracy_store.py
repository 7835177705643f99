"""Accuracy evidence on disk: accuracy.json, written once, and predictions.jsonl, a line a shard, fsynced as it ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from foundation.cache import storage_error, written_whole
from foundation.errors import StorageError, UsageError
from results.accuracy_evidence import AccuracyPlan, Session, Shard, parse_lines, parse_plan
from results.store import locked

PLAN_FILE: Final = "accuracy.json"
PREDICTIONS_FILE: Final = "predictions.jsonl"


@dataclass(frozen=True)
class AccuracyEvidence:
    """A plan with the shards and sessions that there are, in the order in which they ended."""

    plan: AccuracyPlan
    shards: tuple[Shard, ...]
    sessions: tuple[Session, ...] = ()

    def reached(self, cell: str) -> int:
        """The first picture that the cell has not seen yet."""
        return max((shard.first + shard.count for shard in self.shards if shard.cell == cell), default=0)


class AccuracyWriter:
    """Appends to one evaluation, under a lock on its file."""

    def __init__(self, folder: Path, plan: AccuracyPlan, stream: BinaryIO) -> None:
        self.folder = folder
        self.plan = plan
        self._stream = stream

    @classmethod
    def create(cls, folder: Path, plan: AccuracyPlan) -> AccuracyWriter:
        """Begin an evaluation in `folder`, which may hold a run. Raises StorageError where it cannot be written."""
        if (folder / PLAN_FILE).exists():
            raise StorageError(f"{folder} holds an accuracy evaluation already", hint="go on with it by --resume")
        with written_whole(folder / PLAN_FILE) as temporary:
            temporary.write_text(plan.to_json() + "\n", encoding="utf-8")
        return cls(folder, plan, locked(folder / PREDICTIONS_FILE))

    @classmethod
    def resume(cls, folder: Path) -> tuple[AccuracyWriter, AccuracyEvidence]:
        """Go on with an evaluation: a cut last line is cut off. Raises StorageError on other damage."""
        plan = parse_plan(_read(folder / PLAN_FILE).decode(errors="replace"), str(folder / PLAN_FILE))
        writer = cls(folder, plan, locked(folder / PREDICTIONS_FILE))
        evidence, whole = _evidence(folder, plan)
        writer._truncate(whole)
        return writer, evidence

    def append(self, line: Shard | Session) -> None:
        """Keep one line: on return it is on the disk. Raises StorageError on a full disk, and loses no other line."""
        end = self._stream.seek(0, os.SEEK_END)
        try:
            view = memoryview(line.to_json().encode() + b"\n")
            while view:  # unbuffered: a short write is possible when the disk fills up
                view = view[self._stream.write(view) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            self._truncate(end)
            raise storage_error(error, self.folder / PREDICTIONS_FILE) from error

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._stream.close()

    def __enter__(self) -> AccuracyWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _truncate(self, size: int) -> None:
        try:
            self._stream.truncate(size)
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise storage_error(error, self.folder / PREDICTIONS_FILE) from error


def open_accuracy(folder: Path) -> AccuracyEvidence | None:
    """The evaluation in a folder of runs; None where there is none. Raises StorageError where it is damaged."""
    if not (folder / PLAN_FILE).exists():
        return None
    plan = parse_plan(_read(folder / PLAN_FILE).decode(errors="replace"), str(folder / PLAN_FILE))
    return _evidence(folder, plan)[0]


def find_accuracy(root: Path, ref: str) -> Path:
    """The folder of an evaluation: path, id, unique prefix or `latest`. Raises UsageError when there is none."""
    if (Path(ref) / PLAN_FILE).is_file():
        return Path(ref)
    folders: Sequence[Path] = sorted((path.parent for path in root.glob(f"*/{PLAN_FILE}")), key=lambda path: path.name)
    matches = [folder for folder in folders if folder.name.startswith(ref)] if ref != "latest" else list(folders[-1:])
    exact = [folder for folder in matches if folder.name == ref]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if matches:
        names = ", ".join(folder.name for folder in matches[:5])
        raise UsageError(f"{ref} could be any of {len(matches)} evaluations: {names}", hint="give more of the id")
    raise UsageError(f"no accuracy evaluation {ref} in {root}", hint="begin one: bench accuracy --data pictures")


def _evidence(folder: Path, plan: AccuracyPlan) -> tuple[AccuracyEvidence, int]:
    path = folder / PREDICTIONS_FILE
    lines, whole = parse_lines(_read(path).splitlines(keepends=True) if path.exists() else (), str(path))
    strangers = {line.cell for line in lines} - {cell.id for cell in plan.cells}
    if strangers:
        raise StorageError(f"{path} has predictions of a cell that {PLAN_FILE} does not know: {min(strangers)}")
    shards = tuple(line for line in lines if isinstance(line, Shard))
    return AccuracyEvidence(plan, shards, tuple(line for line in lines if isinstance(line, Session))), whole


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
