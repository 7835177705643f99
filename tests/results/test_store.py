"""Evidence on disk: nothing that ended is lost, and nothing that is damaged is read as if it were whole."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.errors import StorageError, UsageError
from results.derive import cells
from results.evidence import Trial
from results.replay import derived_text, differences
from results.store import TRIALS_FILE, Evidence, RunWriter, open_run
from tests.results.synthetic import Effects, artifact, evidence


def stored(root: Path, found: Evidence) -> Path:
    """The run's folder after all its trials were appended."""
    with RunWriter.create(root, found.run) as writer:
        for trial in found.trials:
            writer.append(trial)
    return root / found.run.id


def test_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    found = evidence()
    folder = stored(tmp_path, found)
    read = open_run(tmp_path, "latest")
    assert (read.run, read.trials, read.damaged, read.folder) == (found.run, found.trials, 0, folder)


def test_host_killed_while_appending_loses_only_the_trial_in_flight(tmp_path: Path) -> None:
    found = evidence()
    path = stored(tmp_path, found) / TRIALS_FILE
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for cut in (last + 1, last + (len(whole) - last) // 2, len(whole) - 2):
        path.write_bytes(whole[:cut])
        read = open_run(tmp_path, found.run.id)
        assert read.trials == found.trials[:-1]
        assert read.damaged == 1


def test_line_that_lacks_only_its_end_is_whole(tmp_path: Path) -> None:
    found = evidence()
    path = stored(tmp_path, found) / TRIALS_FILE
    path.write_bytes(path.read_bytes()[:-1])
    writer, read = RunWriter.resume(tmp_path, found.run.id)
    with writer:
        assert read.trials == found.trials
        writer.append(found.trials[0])
    assert open_run(tmp_path, found.run.id).trials == (*found.trials, found.trials[0])


def test_resume_after_a_cut_line_appends_whole_trials_after_it(tmp_path: Path) -> None:
    found = evidence()
    path = stored(tmp_path, found) / TRIALS_FILE
    path.write_bytes(path.read_bytes()[:-300])
    writer, read = RunWriter.resume(tmp_path, found.run.id)
    with writer:
        assert read.trials == found.trials[:-1]
        writer.append(found.trials[-1])
    again = open_run(tmp_path, found.run.id)
    assert (again.trials, again.damaged) == (found.trials, 0)


def test_damaged_line_in_the_middle_is_refused_with_its_number(tmp_path: Path) -> None:
    found = evidence()
    path = stored(tmp_path, found) / TRIALS_FILE
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:80] + "\n" + "".join(lines[2:]))
    with pytest.raises(StorageError, match="line 2"):
        open_run(tmp_path, found.run.id)
    with pytest.raises(StorageError, match="line 2"):
        RunWriter.resume(tmp_path, found.run.id)


def test_trial_of_another_schema_is_refused_even_as_the_last_line(tmp_path: Path) -> None:
    found = evidence()
    path = stored(tmp_path, found) / TRIALS_FILE
    record = json.loads(found.trials[0].to_json()) | {"schema_version": 99}
    with path.open("a") as stream:
        stream.write(json.dumps(record) + "\n")
    with pytest.raises(StorageError, match=r"line 6.*schema_version"):
        open_run(tmp_path, found.run.id)


def test_random_bytes_after_the_last_line_are_a_cut_line(tmp_path: Path) -> None:
    found = evidence()
    with (stored(tmp_path, found) / TRIALS_FILE).open("ab") as stream:
        stream.write(bytes(range(128, 256)))
    assert open_run(tmp_path, found.run.id).trials == found.trials


def test_trial_of_an_unknown_cell_is_refused(tmp_path: Path) -> None:
    found = evidence()
    stranger = found.trials[0].model_copy(update={"cell": "local/other"})
    stored(tmp_path, replace(found, trials=(stranger,)))
    with pytest.raises(StorageError, match="local/other"):
        open_run(tmp_path, "latest")


def test_two_processes_never_write_the_same_run(tmp_path: Path) -> None:
    found = evidence()
    with RunWriter.create(tmp_path, found.run), pytest.raises(StorageError, match="another process") as caught:
        RunWriter.resume(tmp_path, found.run.id)
    assert caught.value.retryable


class FullAfter:
    """A file that takes so many more bytes and then says that the disk is full."""

    def __init__(self, stream: object, room: int) -> None:
        self._stream, self._room = stream, room

    def write(self, data: bytes) -> int:
        if self._room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self._stream.write(bytes(data[: self._room]))  # type: ignore[attr-defined]
        self._room -= taken
        return int(taken)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def test_full_disk_is_told_and_loses_no_finished_trial(tmp_path: Path) -> None:
    found = evidence()
    with RunWriter.create(tmp_path, found.run) as writer:
        writer.append(found.trials[0])
        writer._stream = FullAfter(writer._stream, 500)  # type: ignore[assignment]
        with pytest.raises(StorageError, match="no space left") as caught:
            writer.append(found.trials[1])
    assert "free some space" in caught.value.hint
    read = open_run(tmp_path, found.run.id)
    assert (read.trials, read.damaged) == (found.trials[:1], 0)


def test_full_disk_in_truth(tmp_path: Path) -> None:
    """On a real file system of 64 KB, in a mount namespace of its own."""
    script = """
import sys
from pathlib import Path
from foundation.errors import StorageError
from results.store import RunWriter, open_run
from tests.results.synthetic import evidence
found, root = evidence(), Path(sys.argv[1])
with RunWriter.create(root, found.run) as writer:
    kept = 0
    try:
        for trial in found.trials * 20:
            writer.append(trial)
            kept += 1
    except StorageError as error:
        print(error.message)
read = open_run(root, found.run.id)
assert 0 < kept == len(read.trials) < 100, (kept, len(read.trials))
"""
    project = Path(__file__).parents[2]
    mount = f'mount -t tmpfs -o size=64k none {tmp_path} && exec {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, script],
        cwd=project, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(project)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no space left" in done.stdout


def test_folder_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        RunWriter.create(tmp_path / "file" / "runs", evidence().run)


def test_runs_are_found_by_path_id_prefix_and_latest(tmp_path: Path) -> None:
    for number, started in ((1, "2026-11-22T10:00:00Z"), (2, "2026-11-22T09:00:00Z")):
        found = evidence(blocks=1, run_id=f"20261122-{number}")
        run = found.run.model_copy(update={"started": started})
        stored(tmp_path, replace(found, run=run))
    assert open_run(tmp_path, "latest").run.id == "20261122-1"
    assert open_run(tmp_path, "20261122-2").run.id == "20261122-2"
    assert open_run(tmp_path / "elsewhere", str(tmp_path / "20261122-2")).run.id == "20261122-2"
    with pytest.raises(UsageError, match="any of 2"):
        open_run(tmp_path, "2026")
    with pytest.raises(UsageError, match="no run x"):
        open_run(tmp_path, "x")
    with pytest.raises(UsageError, match="no run in"):
        open_run(tmp_path / "empty", "latest")


def test_run_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, evidence()) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    with pytest.raises(StorageError, match="schema_version"):
        open_run(tmp_path, "latest")


def test_run_without_a_trial_is_shown_as_incomplete(tmp_path: Path) -> None:
    stored(tmp_path, replace(evidence(), trials=()))
    (cell,) = cells(open_run(tmp_path, "latest"))
    assert (cell.verdict, cell.trials, cell.latency) == ("invalid", 0, None)


def test_finished_run_replays_byte_for_byte(tmp_path: Path) -> None:
    found = evidence(Effects(disturbed_share=0.1), [artifact("one"), artifact("two")])
    with RunWriter.create(tmp_path, found.run) as writer:
        for trial in reversed(found.trials):  # the order in which trials ended does not matter
            writer.append(trial)
        writer.finish()
    read = open_run(tmp_path, "latest")
    assert differences(read) == []
    assert derived_text(read) == derived_text(found)


def test_changed_evidence_no_longer_replays_and_the_field_is_named(tmp_path: Path) -> None:
    found = evidence()
    with RunWriter.create(tmp_path, found.run) as writer:
        for trial in found.trials:
            writer.append(trial)
        writer.finish()
        writer.append(found.trials[0].model_copy(update={"lines": found.trials[0].lines[:3]}))
    changed = differences(open_run(tmp_path, "latest"))
    assert any("verdict was valid, is invalid" in line for line in changed)


def test_tables_hold_every_sample_and_operator(tmp_path: Path) -> None:
    from pyarrow import parquet

    found = evidence(Effects(samples=60), blocks=2)
    with RunWriter.create(tmp_path, found.run) as writer:
        for trial in found.trials:
            writer.append(trial)
        writer.finish()
    folder = tmp_path / found.run.id
    samples = parquet.read_table(folder / "samples.parquet")
    operators = parquet.read_table(folder / "operators.parquet")
    said = [json.loads(line) for line in found.trials[1].lines]
    wall = next(record["wall_ns"] for record in said if record["kind"] == "samples")
    assert samples.filter(samples["block"].to_numpy() == 1)["wall"].to_pylist() == wall
    assert operators.num_rows == 2 * 20 * 5  # trials, inferences, operators
    assert parquet.read_table(folder / "cells.parquet")["verdict"].to_pylist() == ["valid"]


def test_lists_of_samples_that_differ_in_length_are_refused() -> None:
    found = evidence(blocks=1)
    lines = [json.loads(line) for line in found.trials[0].lines]
    next(line for line in lines if line["kind"] == "samples")["cpu_ns"].pop()
    broken = Trial(**{**found.trials[0].model_dump(), "lines": tuple(map(json.dumps, lines))})
    with pytest.raises(StorageError, match="differ in length"):
        cells(replace(found, trials=(broken,)))


def test_trials_of_another_clock_than_the_runs_are_refused() -> None:
    counted, timed = evidence(clock="instructions"), evidence()
    with pytest.raises(StorageError, match="the run says instructions"):
        cells(replace(counted, trials=timed.trials))
