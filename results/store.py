"""Evidence on disk: runs/<id>/run.json, written once, and trials.jsonl, one line a trial, fsynced as it ends."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from foundation.cache import storage_error, written_whole
from foundation.errors import StorageError, UsageError
from results.evidence import Run, Trial, parse_run, parse_trials
from results.run_folders import RUN_FILE, list_runs

if TYPE_CHECKING:
    from results.accuracy_store import AccuracyEvidence

DEFAULT_ROOT = Path("runs")
TRIALS_FILE = "trials.jsonl"
DERIVED_FILE = "derived.json"


@dataclass(frozen=True)
class Evidence:
    """A run and its trials in the order they ended; `damaged` counts a cut last line.

    `accuracy` holds the predictions that were made beside the trials, where there are any.
    """

    run: Run
    trials: tuple[Trial, ...]
    damaged: int = 0
    folder: Path | None = None
    accuracy: AccuracyEvidence | None = None


class RunWriter:
    """Appends trials to one run. Holds a lock on its file, so that two processes never write the same run."""

    def __init__(self, folder: Path, run: Run, stream: BinaryIO) -> None:
        self.folder = folder
        self.run = run
        self._stream = stream

    @classmethod
    def create(cls, root: Path, run: Run) -> RunWriter:
        """Make root/<id> with run.json. Raises StorageError when it exists or cannot be written."""
        folder = root / run.id
        try:
            root.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError as error:
            raise StorageError(f"run {run.id} exists in {root}", hint="go on with `bench run --resume`") from error
        except OSError as error:
            raise storage_error(error, folder) from error
        with written_whole(folder / RUN_FILE) as temporary:
            temporary.write_text(run.to_json(indent=1) + "\n")
        return cls(folder, run, locked(folder / TRIALS_FILE))

    @classmethod
    def resume(cls, root: Path, ref: str) -> tuple[RunWriter, Evidence]:
        """Go on with a run: a cut last line is cut off, every whole trial is returned.

        Raises StorageError when a line before the last is damaged, or another process writes this run.
        """
        folder = find_run(root, ref)
        run = parse_run(_text(folder / RUN_FILE), str(folder / RUN_FILE))
        stream = locked(folder / TRIALS_FILE)
        writer = cls(folder, run, stream)
        evidence = open_run(root, str(folder))
        data = (folder / TRIALS_FILE).read_bytes()
        if evidence.damaged:
            body = data.rstrip(b"\n")
            writer._truncate(body.rfind(b"\n") + 1)
        elif data and not data.endswith(b"\n"):
            writer._write(b"\n")  # the line is whole, only its end was not written
        return writer, evidence

    def append(self, trial: Trial) -> None:
        """Keep one trial: on return it is on the disk. Raises StorageError on a full disk, and loses no other trial."""
        end = self._stream.seek(0, os.SEEK_END)
        try:
            self._write(trial.to_json().encode() + b"\n")
        except StorageError:
            self._truncate(end)
            raise

    def finish(self) -> None:
        """Write what is derived from the evidence beside it: derived.json and Parquet tables."""
        from results.replay import write_derived
        from results.tables import write_tables

        evidence = open_run(self.folder.parent, str(self.folder))
        write_derived(evidence)
        write_tables(evidence)

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._stream.close()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:  # unbuffered: a short write is possible when the disk fills up
                view = view[self._stream.write(view) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise storage_error(error, self.folder / TRIALS_FILE) from error

    def _truncate(self, size: int) -> None:
        try:
            self._stream.truncate(size)
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise storage_error(error, self.folder / TRIALS_FILE) from error


def open_run(root: Path, ref: str) -> Evidence:
    """The evidence of a run named by path, id, unique prefix or `latest`.

    Raises UsageError when there is no such run, StorageError when its evidence is damaged.
    """
    from results.accuracy_store import open_accuracy

    folder = find_run(root, ref)
    run = parse_run(_text(folder / RUN_FILE), str(folder / RUN_FILE))
    path = folder / TRIALS_FILE
    trials, damaged = parse_trials(_text(path).split("\n") if path.exists() else (), str(path))
    strangers = {trial.cell for trial in trials} - {cell.id for cell in run.cells}
    if strangers:
        raise StorageError(f"{path} has trials of a cell that {RUN_FILE} does not know: {min(strangers)}")
    return Evidence(run, tuple(trials), damaged, folder, open_accuracy(folder))


def find_run(root: Path, ref: str) -> Path:
    """The folder of a run named by path, id, unique prefix or `latest`. Raises UsageError when there is none."""
    path = Path(ref)
    if path.name == RUN_FILE:
        path = path.parent
    if (path / RUN_FILE).is_file():
        return path
    folders = list_runs(root)
    if not folders:
        raise UsageError(f"no run in {root.absolute()}", hint="measure first: bench run --device local --models all")
    if ref == "latest":
        return folders[-1]
    if (root / ref) in folders:
        return root / ref
    matches = [folder for folder in folders if folder.name.startswith(ref)] if ref else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(folder.name for folder in matches[:5])
        raise UsageError(f"{ref} could be any of {len(matches)} runs: {names}", hint="give more of the id")
    newest = ", ".join(folder.name for folder in folders[-3:])
    raise UsageError(f"no run {ref} in {root}", hint=f"the newest are {newest}")


def locked(path: Path) -> BinaryIO:
    """A file to append to, unbuffered, that no other process writes. Raises StorageError where one does."""
    try:
        stream = path.open("ab", buffering=0)
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StorageError(f"another process is writing {path}", hint="wait for it to end", retryable=True) from error
    except OSError as error:
        raise storage_error(error, path) from error
    return stream


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
