"""The measuring side of the gate: both sides in one run, more blocks while the answer is not clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import gate
from bench.gate import BASELINE_MARK, Budget, check, options_of
from bench.options import Options
from bench.sources import Sources
from exporters.service import Exported
from foundation.artifact import Artifact
from foundation.errors import StorageError, UsageError
from results.baseline import Baseline, baseline_of, model_file
from results.gate import GateReport, Limits
from results.store import Evidence
from tests.results.synthetic import Effects, artifact, evidence
from tests.results.test_compare import board

OLD, NEW = artifact("net"), artifact("net", sha256="c" * 64)


class Machine:
    """A device whose truth is known: the candidate takes `ratio` times the baseline's 10 ms."""

    def __init__(self, ratio: float, trial_effect: float) -> None:
        self.ratio, self.trial_effect = ratio, trial_effect
        self.blocks: list[int] = []

    def measure(self, options: Options, sources: Sources) -> Evidence:
        assert options.trials is not None
        self.blocks.append(options.trials)
        names = {one.artifact.sha256: one.artifact.network for one in sources.exported}
        assert names == {OLD.sha256: "net" + BASELINE_MARK, NEW.sha256: "net"}
        effects = [
            Effects(latency_ns=10e6 * (1.0 if one.sha256 == OLD.sha256 else self.ratio), trial_effect=self.trial_effect)
            for one in sources.artifacts
        ]
        return evidence(effects, sources.artifacts, blocks=options.trials, seed=options.seed)


@pytest.fixture
def baseline_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A baseline of real time with its model file beside it; reading that file gives the old artifact."""
    file = tmp_path / "baseline.json"
    model = model_file(file, made().cells[0])
    model.parent.mkdir()
    model.write_bytes(b"model")
    monkeypatch.setattr("exporters.inspect.read_model", lambda path, _: Exported(path, OLD, cached=True, seconds=0.0))
    return file


def made() -> Baseline:
    return baseline_of(evidence(artifacts=[OLD]))


def checked(file: Path, machine: Machine, candidate: Artifact = NEW) -> GateReport:
    sources = Sources(exported=[Exported(Path("new.tflite"), candidate, cached=True, seconds=0.0)])
    options = options_of(made(), "local", (), Options())
    looks: list[int] = []
    report = check(
        made(), file, "nanoseconds", options, sources, machine.measure, Limits(), Budget(8, 24),
        lambda _, blocks: looks.append(blocks),
    )  # fmt: skip
    assert looks == [sum(machine.blocks[: number + 1]) for number in range(len(machine.blocks))]
    return report


def test_clear_answer_needs_the_first_blocks_only(baseline_file: Path) -> None:
    slower, same = Machine(1.1, 0.005), Machine(1.0, 0.002)
    assert checked(baseline_file, slower).decision == "FAIL"
    assert checked(baseline_file, same).decision == "PASS"
    assert slower.blocks == same.blocks == [8]


def test_unclear_answer_adds_blocks_up_to_the_limit_and_stays_inconclusive(baseline_file: Path) -> None:
    machine = Machine(1.0, 0.06)
    assert checked(baseline_file, machine).decision == "INCONCLUSIVE"
    assert machine.blocks == [8, 8, 8]


def test_unchanged_file_is_not_measured_at_all(baseline_file: Path) -> None:
    machine = Machine(1.0, 0.01)
    assert checked(baseline_file, machine, OLD).decision == "PASS"
    assert machine.blocks == []


def test_lost_model_of_the_baseline_is_told(baseline_file: Path) -> None:
    model_file(baseline_file, made().cells[0]).unlink()
    with pytest.raises(StorageError, match="is missing"):
        checked(baseline_file, Machine(1.0, 0.01))


def test_device_of_another_clock_is_refused_before_measuring(baseline_file: Path) -> None:
    machine = Machine(1.0, 0.01)
    counted = baseline_of(board())
    with pytest.raises(UsageError, match="the baseline counts instructions"):
        gate.check(
            counted, baseline_file, "nanoseconds", Options(), Sources(), machine.measure, Limits(), Budget(),
            lambda *_: None,
        )  # fmt: skip
    assert machine.blocks == []


def test_candidate_that_the_baseline_does_not_know_is_refused(baseline_file: Path) -> None:
    with pytest.raises(UsageError, match="no model to check"):
        checked(baseline_file, Machine(1.0, 0.01), artifact("other"))
