"""Two runs side by side, and the gate: what changed is found and named, and nothing uncertain is a PASS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from foundation.artifact import Artifact
from foundation.errors import StorageError, UsageError
from results import baseline as baselines
from results.baseline import Baseline, baseline_of
from results.compare import CellComparison, compare
from results.derive import cells
from results.evidence import BOARD_TEXTS
from results.gate import GateReport, Limits, check_instructions, check_times
from results.gate_formats import junit, markdown, to_json
from results.store import Evidence
from tests.results.synthetic import LAYERS, Effects, artifact, evidence

EXACT = Effects(trial_effect=1e-5, sample_noise=1e-5)
POINTWISE = ("Fully Connected (NC, F32) GEMM", "CONV_2D", 5_000_000, 90_000, 4_000, 90_000, (1, 56, 56, 40))
EXTRA = (*LAYERS[:3], POINTWISE, *LAYERS[3:])


def board(
    effects: Effects = EXACT, artifacts: Sequence[Artifact] | None = None, qemu: str = "7.2.22", seed: int = 0
) -> Evidence:
    """A run on the emulated board."""
    found = evidence(effects, artifacts, clock="instructions", blocks=2, seed=seed, run_id=f"run-{seed}")
    texts = dict(zip(BOARD_TEXTS, ("cortex-a76", qemu), strict=True))
    device = found.run.devices[0].model_copy(update={"texts": texts})
    return replace(found, run=found.run.model_copy(update={"devices": (device,)}))


def gate(before: Evidence, after: Evidence, limits: Limits = Limits()) -> GateReport:  # noqa: B008 - frozen
    return check_instructions(baseline_of(before), after, limits)


def only(compared: list[CellComparison]) -> CellComparison:
    (cell,) = compared
    return cell


def test_slowdown_of_8_percent_is_seen_and_none_is_not() -> None:
    before = evidence(Effects(latency_ns=10e6), seed=1)
    slower = only(compare(before, evidence(Effects(latency_ns=10.8e6), seed=2)))
    assert slower.answer == "slower"
    assert slower.ratio == pytest.approx(1.08, abs=0.01)
    assert only(compare(before, evidence(Effects(latency_ns=10e6), seed=3))).answer == "no difference seen"


def test_new_gone_and_other_kernels_are_told_apart() -> None:
    before = evidence(artifacts=[artifact()])
    added = only(compare(before, evidence(artifacts=[artifact(layers=EXTRA)])))
    assert [(c.change, c.type) for c in added.operators if c.change in ("new", "gone")] == [("new", "CONV_2D")]
    removed = only(compare(evidence(artifacts=[artifact(layers=EXTRA)]), before))
    assert "gone" in {change.change for change in removed.operators}
    other = tuple(
        trial.model_copy(update={"lines": tuple(line.replace("DWConv", "IGEMM") for line in trial.lines)})
        for trial in before.trials
    )
    change = only(compare(before, replace(before, trials=other))).operators[0]
    assert change.change == "another kernel"
    assert change.kernel_before != change.kernel_after


def test_renamed_nodes_are_no_change() -> None:
    plain = artifact()
    renamed = plain.model_copy(
        update={"operators": tuple(o.model_copy(update={"name": f"x/{o.name}"}) for o in plain.operators)}
    )
    assert only(compare(evidence(artifacts=[plain]), evidence(artifacts=[renamed]))).operators == ()


def test_milliseconds_are_never_compared_with_instructions() -> None:
    with pytest.raises(UsageError, match="A counts milliseconds, B counts instructions"):
        compare(evidence(), evidence(clock="instructions"))


def test_cell_of_one_side_only_is_listed_as_such() -> None:
    both = evidence(artifacts=[artifact("a"), artifact("b")])
    compared = compare(both, evidence(artifacts=[artifact("a")]))
    assert [(cell.network, cell.only, cell.answer) for cell in compared][1] == ("b", "A", "cannot tell")


def test_empty_run_is_refused() -> None:
    with pytest.raises(UsageError, match=r"run B.*no complete trial"):
        compare(evidence(), replace(evidence(), trials=()))


def test_unchanged_network_passes_20_times() -> None:
    before = board()
    assert {gate(before, board(seed=seed)).decision for seed in range(20)} == {"PASS"}


def test_extra_pointwise_convolution_fails_and_is_named() -> None:
    grown = replace(EXACT, latency_ns=11e6)
    report = gate(board(artifacts=[artifact("net")]), board(grown, [artifact("net", layers=EXTRA)]))
    assert report.decision == "FAIL"
    assert "net tflite fp32" in report.headline
    assert "conv_2d_3" in report.headline
    assert "instructions x 1.1" in report.headline


def test_cell_grown_by_2_percent_fails_and_by_half_a_percent_does_not() -> None:
    before = board(EXACT)
    grown = {factor: board(replace(EXACT, latency_ns=10e6 * factor)) for factor in (1.02, 1.005)}
    assert gate(before, grown[1.02]).decision == "FAIL"
    assert gate(before, grown[1.005]).decision == "PASS"
    assert gate(before, grown[1.02], Limits(cell=0.03)).decision == "PASS"


def test_single_operator_grown_by_5_percent_fails_although_the_cell_did_not() -> None:
    before = board()
    trials = []
    for trial in before.trials:
        lines = [json.loads(line) for line in trial.lines]
        for line in lines:
            if line["kind"] == "ops":
                line["operators"][1]["durations_ns"] = [int(t * 1.05) for t in line["operators"][1]["durations_ns"]]
        trials.append(trial.model_copy(update={"lines": tuple(map(json.dumps, lines))}))
    report = gate(before, replace(before, trials=tuple(trials)))
    assert report.decision == "FAIL"
    assert "depthwise_conv_2d_1" in report.headline
    assert "1.05" in report.headline


def test_operator_that_left_the_fast_path_fails_and_is_named() -> None:
    report = gate(board(), board(replace(EXACT, undelegated=1)))
    assert report.decision == "FAIL"
    assert "conv_2d_0" in report.headline
    assert "fast path" in report.headline


@pytest.mark.parametrize(("field", "value"), [("size_bytes", 1_020_000), ("macs", 21_000_000)])
def test_growth_of_the_file_or_its_macs_fails(field: str, value: int) -> None:
    report = gate(board(artifacts=[artifact()]), board(artifacts=[artifact(**{field: value})]))
    assert report.decision == "FAIL"


@pytest.mark.parametrize("qemu", ["8.0.0"])
def test_another_qemu_is_refused_and_named(qemu: str) -> None:
    with pytest.raises(UsageError, match=r"emulator qemu was 7.2.22, is 8.0.0"):
        gate(board(), board(qemu=qemu))


def test_another_runtime_is_refused_and_named() -> None:
    before = board()
    trials = tuple(
        trial.model_copy(update={"lines": tuple(line.replace('"2.3.0"', '"2.4.0"') for line in trial.lines)})
        for trial in before.trials
    )
    with pytest.raises(UsageError, match=r"litert version was 2\.3\.0, is 2\.4\.0"):
        gate(before, replace(before, trials=trials))


def test_run_of_real_time_against_counted_baseline_is_refused() -> None:
    with pytest.raises(UsageError, match=r"the baseline counts instructions.*counts milliseconds"):
        gate(board(), evidence())


@pytest.mark.parametrize("missing_in", ["baseline", "candidate"])
def test_cell_missing_on_one_side_is_never_a_pass(missing_in: str) -> None:
    one, two = board(artifacts=[artifact("a")]), board(artifacts=[artifact("a"), artifact("b")])
    report = gate(one, two) if missing_in == "baseline" else gate(two, one)
    assert report.decision == "INCONCLUSIVE"
    assert "b tflite fp32" in report.headline


def test_candidate_without_trials_is_refused() -> None:
    with pytest.raises(UsageError, match="no complete trial"):
        gate(board(), replace(board(), trials=()))


def test_incomplete_candidate_is_inconclusive() -> None:
    after = board()
    report = gate(board(), replace(after, trials=after.trials[:1]))
    assert report.decision == "INCONCLUSIVE"
    assert "INCOMPLETE" in report.headline


def timed(
    ratio: float, seed: int = 0, blocks: int = 10, noise: float = 0.005
) -> tuple[Baseline, Evidence, dict[str, str]]:
    """A baseline of real time, a run that measured it beside a candidate slower by `ratio`, and who is who."""
    old, new = artifact("net"), artifact("net", sha256="c" * 64)
    marked = old.model_copy(update={"network": "net@baseline"})
    base = baseline_of(evidence(artifacts=[old]))
    effects = [Effects(latency_ns=10e6, trial_effect=noise), Effects(latency_ns=10e6 * ratio, trial_effect=noise)]
    run = evidence(effects, [marked, new], blocks=blocks, seed=seed)
    return base, run, {base.cells[0].name: new.sha256}


@pytest.mark.parametrize(("ratio", "answer"), [(1.0, "PASS"), (1.06, "FAIL"), (0.9, "PASS")])
def test_time_gate_decides_from_the_blocks_of_one_run(ratio: float, answer: str) -> None:
    base, run, candidates = timed(ratio)
    report = check_times(base, [run], candidates, Limits())
    assert report.decision == answer
    assert base.cells[0].instructions is None  # no time of the baseline's own run is kept, so none can be compared


def test_slowdown_at_the_limit_is_inconclusive_and_blocks_of_more_runs_pool() -> None:
    base, first, candidates = timed(1.015, seed=1, blocks=3, noise=0.01)
    assert check_times(base, [first], candidates, Limits()).decision == "INCONCLUSIVE"
    runs = [timed(1.03, seed=seed, blocks=8, noise=0.01)[1] for seed in (1, 2, 3, 4)]
    assert check_times(base, runs, candidates, Limits()).decision == "FAIL"


def test_neighbours_bursts_do_not_move_the_time_gate_a_slower_floor_does() -> None:
    """Each trial's fastest undisturbed inference is compared: here 60 % of the candidate's are 30 % longer."""
    base, run, candidates = timed(1.0)
    old, new = run.run.artifacts.values()
    burst = Effects(trial_effect=0.003, second_mode=0.3, second_mode_share=0.6)
    beside = evidence([Effects(trial_effect=0.003), burst], [old, new], blocks=10)
    assert cells(beside)[1].latency.median > 1.2 * cells(beside)[0].latency.median
    assert check_times(base, [beside], candidates, Limits()).decision == "PASS"
    slower = evidence([Effects(), replace(burst, latency_ns=10.6e6)], [old, new], blocks=10)
    (latency,) = [f for f in check_times(base, [slower], candidates, Limits()).findings if f.what == "latency"]
    assert latency.decision == "FAIL"
    assert latency.ratio == pytest.approx(1.06, abs=0.01)


def test_unchanged_file_passes_without_being_measured_twice() -> None:
    base, run, _ = timed(1.0)
    name = base.cells[0].name
    assert check_times(base, [], {name: base.cells[0].sha256}, Limits()).decision == "PASS"
    assert check_times(base, [], {name: "c" * 64}, Limits()).decision == "INCONCLUSIVE"
    assert check_times(base, [run], {}, Limits()).decision == "INCONCLUSIVE"


def test_baseline_is_read_back_and_another_schema_refused(tmp_path: Path) -> None:
    made = baseline_of(board())
    path = tmp_path / "b.json"
    baselines.save(made, path)
    assert baselines.load(path) == made
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    with pytest.raises(StorageError, match="schema_version"):
        baselines.load(path)
    path.write_text("{")
    with pytest.raises(StorageError, match="no baseline this version can read"):
        baselines.load(path)
    with pytest.raises(UsageError, match="no baseline"):
        baselines.load(tmp_path / "absent.json")


def test_invalid_run_makes_no_baseline() -> None:
    found = board()
    with pytest.raises(UsageError, match="INCOMPLETE"):
        baseline_of(replace(found, trials=found.trials[:1]))


def test_report_is_written_as_junit_markdown_and_json() -> None:
    hostile = "net|<b>\x07"
    report = gate(board(artifacts=[artifact(hostile)]), board(artifacts=[artifact(hostile, layers=EXTRA)]))
    suite = ElementTree.fromstring(junit(report))
    failures = [case for case in suite if case.find("failure") is not None]
    assert int(suite.attrib["failures"]) == len(failures) > 0
    assert "conv_2d_3" in "".join(failure.attrib["message"] for case in failures for failure in case)
    assert "<b>" not in markdown(report)
    assert json.loads(to_json(report))["headline"] == report.headline


def test_power_of_the_time_gate_on_quiet_phone_noise() -> None:
    """A 3 % slowdown, trial effect 0.7 %, at most 40 blocks in looks of 8: found in at least 95 of 100."""
    from results.statistics import block_ratio, decide

    random = np.random.default_rng(5)
    found = 0
    for _ in range(200):
        a, b = (10.0 * factor * np.exp(random.normal(0, 0.007, 40)) for factor in (1.0, 1.03))
        answers = [decide(block_ratio(a[:n].tolist(), b[:n].tolist()), 10.0, 0.015, 0.02) for n in (8, 16, 24, 32, 40)]
        found += next((answer for answer in answers if answer != "INCONCLUSIVE"), "INCONCLUSIVE") == "FAIL"
    assert found / 200 >= 0.95
