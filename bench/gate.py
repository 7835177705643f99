"""The measuring side of `bench check`: which files to measure, and for how many blocks until the answer is clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.options import Options
from bench.sources import Sources
from exporters.service import Exported
from foundation.errors import ExportError, StorageError, UsageError
from results.baseline import Baseline, model_file
from results.evidence import Clock
from results.gate import GateReport, Limits, check_instructions, check_times
from results.store import Evidence

Measure = Callable[[Options, Sources], Evidence]  # one run of these files under these options

FIRST_BLOCKS = 8
MOST_BLOCKS = 40
BASELINE_MARK = "@baseline"  # added to the network's name, so that both sides have cells of their own


@dataclass(frozen=True)
class Budget:
    """Blocks of a time gate: how many at first and for each further look, and at most."""

    first: int = FIRST_BLOCKS
    most: int = MOST_BLOCKS


def options_of(baseline: Baseline, device: str, models: tuple[str, ...], given: Options) -> Options:
    """Options that measure what the baseline holds: its networks, formats, precisions and thread counts."""
    cells = baseline.cells
    return given.model_copy(
        update={
            "device": (device,),
            "models": models or tuple(dict.fromkeys(cell.network for cell in cells)),
            "formats": tuple(dict.fromkeys(cell.format for cell in cells)),
            "precisions": tuple(dict.fromkeys(cell.precision for cell in cells)),
            "threads": tuple(dict.fromkeys(cell.threads for cell in cells)),
            "quick": False,
        }
    )


def check(
    baseline: Baseline,
    file: Path,
    clock: Clock,
    options: Options,
    sources: Sources,
    measure: Measure,
    limits: Limits,
    budget: Budget,
    on_look: Callable[[GateReport, int], None],
) -> GateReport:
    """Measure and decide; on a real device add blocks while the answer is INCONCLUSIVE.

    `file` is the baseline's path, `sources` the candidate's files. Raises UsageError when the device has another
    clock than the baseline, before anything is measured.
    """
    if clock != baseline.clock:
        raise UsageError(
            f"the baseline counts {baseline.clock}, {options.device[0]} counts {clock}",
            hint="check on the kind of device that made the baseline",
        )
    if sources.failed:
        raise ExportError(f"the candidate could not be exported: {sources.failed[0].message}")
    wanted = _wanted(baseline, sources)
    if clock == "instructions":
        return check_instructions(baseline, measure(options, wanted), limits)
    candidates = {name: one.artifact.sha256 for name, one in _candidates(baseline, wanted).items()}
    known = {cell.sha256 for cell in baseline.cells}
    changed = Sources(exported=[one for one in wanted.exported if one.artifact.sha256 not in known])
    if not changed.exported:
        return check_times(baseline, [], candidates, limits)
    both = _with_baseline(baseline, file, changed)
    runs: list[Evidence] = []
    blocks = 0
    while True:
        step = min(budget.first, budget.most - blocks)
        runs.append(measure(options.model_copy(update={"trials": step, "seed": options.seed + len(runs)}), both))
        blocks += step
        report = check_times(baseline, runs, candidates, limits)
        on_look(report, blocks)
        if report.decision != "INCONCLUSIVE" or blocks >= budget.most:
            return report


def _candidates(baseline: Baseline, sources: Sources) -> dict[str, Exported]:
    """The candidate's file for each of the baseline's cells."""
    found = {(one.artifact.network, one.artifact.format, one.artifact.precision): one for one in sources.exported}
    return {
        cell.name: found[key]
        for cell in baseline.cells
        if (key := (cell.network, cell.format, cell.precision)) in found
    }


def _wanted(baseline: Baseline, sources: Sources) -> Sources:
    """The candidate's files that the baseline has a cell for. Raises UsageError when there is none."""
    keys = {(cell.network, cell.format, cell.precision) for cell in baseline.cells}
    kept = [one for one in sources.exported if _key(one) in keys]
    if not kept:
        names = ", ".join(dict.fromkeys(cell.network for cell in baseline.cells))
        raise UsageError("no model to check is in the baseline", hint=f"it holds {names}")
    return Sources(exported=kept)


def _key(one: Exported) -> tuple[str, str, str]:
    return one.artifact.network, one.artifact.format, one.artifact.precision


def _with_baseline(baseline: Baseline, file: Path, sources: Sources) -> Sources:
    """The changed files and the baseline's of the same cells in one run, the latter under marked names."""
    from exporters.inspect import read_model

    wanted = {_key(one) for one in sources.exported}
    before: dict[str, Exported] = {}
    for cell in baseline.cells:
        if (cell.network, cell.format, cell.precision) not in wanted or cell.sha256 in before:
            continue
        path = model_file(file, cell)
        if not path.is_file():
            raise StorageError(f"the baseline's model {path} is missing", hint="commit the .models folder beside it")
        old = read_model(path, {})
        if old.artifact.sha256 != cell.sha256:
            raise StorageError(f"{path} is not the file that the baseline names", hint="save the baseline again")
        update = {"network": cell.network + BASELINE_MARK, "precision": cell.precision}
        before[cell.sha256] = replace(old, artifact=old.artifact.model_copy(update=update))
    return Sources(exported=[*sources.exported, *before.values()])


def decide_run(baseline: Baseline, evidence: Evidence, limits: Limits) -> GateReport:
    """The gate over a run that is already there. Only instruction counts can be checked so."""
    if baseline.clock != "instructions":
        raise UsageError(
            "a real device's baseline is measured again together with the candidate; --run cannot do that",
            hint="leave --run out and name a --device",
        )
    return check_instructions(baseline, evidence, limits)


def exit_code(report: GateReport) -> int:
    """0 PASS, 1 FAIL, 3 INCONCLUSIVE."""
    from foundation.errors import Exit

    return {"PASS": Exit.OK, "FAIL": Exit.REGRESSION, "INCONCLUSIVE": Exit.INCONCLUSIVE}[report.decision]


def outputs(given: Sequence[tuple[str, Path | None]], report: GateReport) -> None:
    """Write the formats that were asked for."""
    from results.gate_formats import write

    for format, path in given:
        if path is not None:
            write(report, format, path)
