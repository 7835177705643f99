"""The run: every cell of every block on every device, appended to the evidence as each trial ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.trial import Station
from foundation.artifact import Artifact
from foundation.cache import sha256_file
from foundation.errors import DeviceError, StorageError
from results.evidence import Cell, Trial
from results.store import RunWriter

OnTrial = Callable[[Cell, Trial], None]
RECONNECTS = 3  # attempts to reach a lost device again before its remaining trials are left for --resume
RECONNECT_PAUSE_S = 5.0  # times the attempt's number


def pending(writer: RunWriter, trials: Iterable[Trial], device: str) -> list[tuple[int, Cell]]:
    """(block, cell) pairs of one device that have no trial yet, in the planned order.

    A trial whose device was lost has no exit status and is measured again; a failed one is evidence and is not.
    """
    cells = {cell.id: cell for cell in writer.run.cells if cell.device == device}
    ended = {(trial.block, trial.cell) for trial in trials if trial.exit_status is not None}
    return [
        (block, cells[cell_id])
        for block, ids in enumerate(writer.run.order)
        for cell_id in ids
        if cell_id in cells and (block, cell_id) not in ended
    ]


def measure(
    writer: RunWriter, stations: Sequence[Station], trials: Sequence[Trial], *, on_trial: OnTrial | None = None
) -> list[DeviceError]:
    """Measure what is pending on all stations side by side; the devices that were lost for good are returned.

    Each trial is on the disk before the next begins. Ctrl-C and a full disk end all devices and pass through.
    """
    files = {sha256: Path(path) for sha256, path in writer.run.files.items()}
    stop = threading.Event()
    append = threading.Lock()

    def station_loop(station: Station) -> DeviceError | None:
        for block, cell in pending(writer, trials, station.device.name):
            for attempt in range(RECONNECTS + 1):
                if stop.is_set():
                    return None
                artifact = writer.run.artifacts[cell.artifact]
                trial = station.measure(cell, artifact, files[cell.artifact], block)
                if stop.is_set():  # ended by us, not by itself
                    return None
                with append:
                    writer.append(trial)
                if on_trial:
                    on_trial(cell, trial)
                if trial.exit_status is not None:
                    break
                stop.wait(RECONNECT_PAUSE_S * attempt)
                if attempt == RECONNECTS:
                    return DeviceError(
                        f"{station.device.name} was lost while measuring {cell.id}: {trial.error}",
                        hint=f"attach it again, then: bench run --resume {writer.run.id}",
                        retryable=True,
                    )
        return None

    with ThreadPoolExecutor(max(1, len(stations))) as pool:
        futures = [pool.submit(station_loop, station) for station in stations]
        try:
            return [lost for future in futures if (lost := future.result()) is not None]
        except BaseException:
            stop.set()
            for station in stations:
                station.device.transport.close()
            raise


def check_files(files: dict[str, str], artifacts: dict[str, Artifact]) -> None:
    """Every artifact of a resumed run is still the file it was. Raises StorageError naming the one that is not."""
    for sha256, path in files.items():
        if not Path(path).is_file() or sha256_file(Path(path)) != sha256:
            name = artifacts[sha256].network
            raise StorageError(
                f"{path} ({name}) is not the file that this run measured", hint="start a new run: its numbers would mix"
            )
