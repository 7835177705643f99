"""The gate's baseline: a small JSON file, meant to be committed, of what a run measured and with what."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from foundation.artifact import Format, Precision
from foundation.cache import written_whole
from foundation.errors import StorageError, UsageError
from foundation.record import Record
from results.cell_result import CellResult
from results.derive import cell_evidence, cells
from results.evidence import BOARD_TEXTS, Clock
from results.operators import OperatorRow, operator_table
from results.store import Evidence
from results.verdicts import CellEvidence

BASELINE_SCHEMA: Final = 1


class BaselineCell(Record):
    """One cell. `instructions` and the operators' times are None and empty for a baseline of a real device: today's
    milliseconds are never compared with last week's, the baseline's files are measured again."""

    network: str
    format: Format
    precision: Precision
    threads: int
    sha256: str
    size_bytes: int
    macs: int
    memory_access_bytes: int
    instructions: float | None
    operators: tuple[OperatorRow, ...]

    @property
    def name(self) -> str:
        """Network, format, precision and threads: what pairs a cell with its baseline."""
        return f"{self.network} {self.format} {self.precision} t{self.threads}"


class Baseline(Record):
    """What `bench baseline save` writes. `environment` must be equal for a comparison; `bundle` is only stated."""

    schema_version: Literal[1] = BASELINE_SCHEMA
    clock: Clock
    run: str
    device: str
    environment: dict[str, str]
    bundle: str
    cells: tuple[BaselineCell, ...]


def baseline_of(evidence: Evidence) -> Baseline:
    """The baseline that a run makes. Raises UsageError when the run has several devices or an invalid cell."""
    run = evidence.run
    if len(run.devices) != 1:
        raise UsageError(f"run {run.id} has {len(run.devices)} devices; a baseline has one")
    device = run.devices[0]
    results = cells(evidence)
    if not results:
        raise UsageError(f"run {run.id} has no cell", hint="measure it again")
    for cell in results:
        if cell.verdict == "invalid":
            reason = cell.reasons[0]
            raise UsageError(f"{cell.id} is invalid ({reason.code}: {reason.message})", hint="measure it again")
    return Baseline(
        clock=device.clock,
        run=run.id,
        device=device.name,
        environment=environment(evidence),
        bundle=device.bundle,
        cells=tuple(measured_cells(evidence, results)),
    )


def measured_cells(evidence: Evidence, results: list[CellResult]) -> list[BaselineCell]:
    """The run's cells in a baseline's terms."""
    timed = evidence.run.devices[0].clock == "nanoseconds"
    return [
        BaselineCell(
            network=cell.network,
            format=cell.format,
            precision=cell.precision,
            threads=cell.threads,
            sha256=cell.artifact.sha256,
            size_bytes=cell.artifact.size_bytes,
            macs=cell.macs,
            memory_access_bytes=cell.memory_access_bytes,
            instructions=None if timed or cell.latency is None else cell.latency.median,
            operators=() if timed else tuple(operator_table(found)),
        )
        for cell, found in zip(results, cell_evidence(evidence), strict=True)
    ]


def environment(evidence: Evidence) -> dict[str, str]:
    """What must be equal for instruction counts to be comparable: target, runtimes, the board's CPU and qemu.

    Raises StorageError when the run of an emulated board does not say its CPU or qemu.
    """
    device = evidence.run.devices[0]
    found = {"target": device.target}
    if device.clock == "instructions":
        for key in BOARD_TEXTS:
            if key not in device.texts:
                raise StorageError(f"run {evidence.run.id} does not say its '{key}'", hint="measure it again")
            found[key] = device.texts[key].strip()
    for cell in cell_evidence(evidence):
        found |= _runtime(cell)
    return found


def _runtime(cell: CellEvidence) -> dict[str, str]:
    return {f"{r.hello.runtime} version": r.hello.runtime_version for r in cell.readings if r.hello}


def model_file(path: Path, cell: BaselineCell) -> Path:
    """Where a real device's baseline keeps a model file: FILE.models/SHA256.FORMAT."""
    return path.with_name(f"{path.name}.models") / f"{cell.sha256}.{cell.format}"


def save(baseline: Baseline, path: Path) -> None:
    """Write it. Raises StorageError when it cannot be written."""
    with written_whole(path) as temporary:
        temporary.write_text(baseline.to_json(indent=1) + "\n")


def load(path: Path) -> Baseline:
    """Read it. Raises UsageError where there is none, StorageError when it is damaged or of another schema."""
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise UsageError(f"no baseline {path}", hint=f"make one: bench baseline save {path} --run RUN") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read {path}: {error}") from error
    try:
        return Baseline.model_validate_json(text)
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"])) + ": " if detail["loc"] else ""
        hint = f"made by another version? make it again: bench baseline save {path} --run RUN"
        raise StorageError(f"{path} is no baseline this version can read: {place}{detail['msg']}", hint=hint) from error
