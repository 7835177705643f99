"""Every verdict code: evidence that must raise it, evidence that must not."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foundation.artifact import Delegation, Parity, Weights
from foundation.errors import UsageError
from results.cell_result import CellResult
from results.derive import cells
from results.evidence import Trial
from results.reading import read
from results.store import Evidence
from results.verdicts import CHECKS
from tests.results.synthetic import Effects, artifact, evidence

CPU = "/sys/devices/system/cpu/cpu0/cpufreq/"
THROTTLE = "/sys/devices/platform/soc/soc:firmware/get_throttled"
BATTERY = "/sys/class/power_supply/battery/"


def only(found: Evidence, waive: tuple[str, ...] = ()) -> CellResult:
    """The one cell of a run."""
    (cell,) = cells(found, waive)
    return cell


def codes(cell: CellResult) -> set[str]:
    return {reason.code for reason in cell.reasons}


def edited(found: Evidence, kind: str, **changes: object) -> Evidence:
    """Evidence whose agent said something else in every line of a kind."""
    trials = []
    for trial in found.trials:
        records = [json.loads(line) for line in trial.lines]
        lines = [json.dumps(record | changes if record["kind"] == kind else record) for record in records]
        trials.append(trial.model_copy(update={"lines": tuple(lines)}))
    return replace(found, trials=tuple(trials))


def cut(trial: Trial, lines: int, **changes: object) -> Trial:
    """A trial whose agent stopped after so many lines."""
    return trial.model_copy(update={"lines": trial.lines[:lines], **changes})


def test_quiet_device_is_valid() -> None:
    cell = only(evidence())
    assert cell.verdict == "valid"
    assert cell.latency is not None
    assert cell.latency.median == pytest.approx(10.0, rel=0.01)


RAISED = [
    ("FEW_SAMPLES", Effects(samples=9)),
    ("NOT_WARM", Effects(steady=False)),
    ("NOISY", Effects(sample_noise=0.15)),
    ("DRIFT", Effects(drift=0.10)),
    ("DRIFT", Effects(drift=-0.10)),
    ("BIMODAL", Effects(second_mode=0.15)),
    ("BIMODAL", Effects(second_mode=0.15, second_mode_share=0.2)),
    ("CONTENDED", Effects(disturbed_share=0.35)),
    ("TRIALS_DISAGREE", Effects(trial_effect=0.12)),
    ("OPS_MISMATCH", Effects(operators_share=0.8)),
    ("OPS_MISMATCH", Effects(operators_share=1.2)),
    ("NOT_DELEGATED", Effects(undelegated=2)),
    ("THROTTLED", Effects(calibration=((1000, 1010), (1150, 1160)))),
    (
        "FREQUENCY_CHANGED",
        Effects(files=({CPU + "scaling_max_freq": "2800000"}, {CPU + "scaling_max_freq": "1900000"})),
    ),
    ("LOW_BATTERY", Effects(files=({}, {BATTERY + "capacity": "14\n", BATTERY + "type": "Battery\n"}))),
    ("LOW_BATTERY", Effects(shell={"before dumpsys battery": "Current Battery Service state:\n  level: 22\n"})),
    ("THROTTLED", Effects(shell={"after dumpsys thermalservice": "IsStatusOverride: false\nThermal Status: 2\n"})),
    ("THROTTLED", Effects(files=({THROTTLE: "0\n"}, {THROTTLE: "50005\n"}))),
    ("THROTTLED", Effects(files=({THROTTLE: "0\n"}, {THROTTLE: "40000\n"}))),
]
NOT_RAISED = [
    ("FEW_SAMPLES", Effects(samples=10)),
    ("NOISY", Effects(sample_noise=0.07)),
    ("DRIFT", Effects(drift=0.03, sample_noise=0.03)),
    ("DRIFT", Effects(sample_noise=0.08, samples=50)),
    ("BIMODAL", Effects(second_mode=0.03)),
    ("BIMODAL", Effects(sample_noise=0.08)),
    ("BIMODAL", Effects(second_mode=0.5, second_mode_share=0.03)),
    ("CONTENDED", Effects(disturbed_share=0.10)),
    ("TRIALS_DISAGREE", Effects(trial_effect=0.02)),
    ("OPS_MISMATCH", Effects(operators_share=0.92)),
    ("THROTTLED", Effects(calibration=((1000, 1010), (1050, 1300)))),  # the fastest of a state counts
    ("FREQUENCY_CHANGED", Effects(files=({CPU + "scaling_cur_freq": "600000"}, {CPU + "scaling_cur_freq": "2800000"}))),
    ("LOW_BATTERY", Effects(files=({}, {BATTERY + "capacity": "25", BATTERY + "type": "Battery"}))),
    ("LOW_BATTERY", Effects(shell={"before dumpsys battery": "  level: 25\n  Capacity level: 2\n"})),
    ("THROTTLED", Effects(shell={"after dumpsys thermalservice": "Thermal Status: 0\n"})),
    ("THROTTLED", Effects(files=({THROTTLE: "50000\n"}, {THROTTLE: "50000\n"}))),  # since boot, not during the run
    ("LOW_BATTERY", Effects(files=({}, {BATTERY + "capacity": "3", BATTERY + "type": "Mains"}))),
]


@pytest.mark.parametrize(("code", "effects"), RAISED, ids=[f"{code}-{n}" for n, (code, _) in enumerate(RAISED)])
def test_raised(code: str, effects: Effects) -> None:
    cell = only(evidence(effects))
    assert code in codes(cell)
    assert cell.verdict == ("invalid" if code == "FEW_SAMPLES" else "suspect")
    reason = next(reason for reason in cell.reasons if reason.code == code)
    assert reason.value != reason.threshold
    assert reason.message


@pytest.mark.parametrize(("code", "effects"), NOT_RAISED, ids=[f"{code}-{n}" for n, (code, _) in enumerate(NOT_RAISED)])
def test_not_raised(code: str, effects: Effects) -> None:
    assert all(code not in codes(only(evidence(effects, seed=seed))) for seed in range(10))


def test_frequencies_after_the_trials_that_differ_are_seen() -> None:
    slow, fast = ({CPU + "scaling_cur_freq": value} for value in ("1900000", "2800000"))
    first, second = (evidence(Effects(files=({}, files)), blocks=2) for files in (slow, fast))
    mixed = replace(first, trials=(first.trials[0], second.trials[1]))
    assert "FREQUENCY_CHANGED" in codes(only(mixed))


def test_heavily_contended_cell_claims_no_latency_only_cpu_time() -> None:
    cell = only(evidence(Effects(disturbed_share=0.97)))
    assert "CONTENDED" in codes(cell)
    assert cell.latency is None
    assert cell.cpu is not None


def test_disturbed_samples_do_not_move_the_latency() -> None:
    trial = edited(evidence(blocks=1), "samples", **samples([10, 11, 9] * 5 + [30] * 10, [0] * 15 + [1] * 10)).trials[0]
    assert read(trial).latency("nanoseconds") == 10


@pytest.mark.parametrize(("undisturbed", "latency"), [(9, None), (10, 10.0)])
def test_below_ten_undisturbed_samples_a_trial_has_no_latency(undisturbed: int, latency: float | None) -> None:
    preemptions = [0] * undisturbed + [1] * (20 - undisturbed)
    trial = edited(evidence(blocks=1), "samples", **samples([10] * 20, preemptions)).trials[0]
    assert read(trial).latency("nanoseconds") == latency


def samples(wall: list[int], preemptions: list[int]) -> dict[str, list[int]]:
    return {"wall_ns": wall, "cpu_ns": wall, "preemptions": preemptions}


def test_latency_that_most_trials_could_not_tell_is_not_claimed() -> None:
    calm, loud = (evidence(Effects(disturbed_share=share)) for share in (0.5, 0.97))
    assert only(replace(calm, trials=(*calm.trials[:2], *loud.trials[2:]))).latency is None
    assert only(replace(calm, trials=(*calm.trials[:3], *loud.trials[3:]))).latency is not None


def test_missing_trial_makes_the_cell_incomplete() -> None:
    found = evidence()
    cell = only(replace(found, trials=found.trials[:-1]))
    assert cell.verdict == "invalid"
    assert (cell.trials, cell.trials_planned) == (4, 5)
    assert "4 of 5" in cell.reasons[0].message


def test_crashed_agent_is_named_by_its_signal() -> None:
    found = evidence()
    broken = cut(found.trials[2], 5, exit_status=-11, signal="SIGSEGV")
    cell = only(replace(found, trials=(*found.trials[:2], broken, *found.trials[3:])))
    assert cell.reasons[0].code == "INCOMPLETE"
    assert "SIGSEGV" in cell.reasons[0].message


def test_exit_status_zero_without_the_last_line_is_no_trial() -> None:
    found = evidence()
    cell = only(replace(found, trials=tuple(cut(trial, -1) for trial in found.trials)))
    assert codes(cell) == {"INCOMPLETE"}
    assert cell.latency is None


def test_agents_own_error_is_the_cause_told() -> None:
    found = evidence(blocks=1)
    failure = json.dumps({"kind": "error", "code": "MODEL", "message": "no such file"})
    broken = found.trials[0].model_copy(update={"lines": (failure,), "exit_status": 1})
    assert "MODEL: no such file" in only(replace(found, trials=(broken,))).reasons[0].message


def test_trial_repeated_after_a_lost_device_counts_once() -> None:
    found = evidence()
    lost = cut(found.trials[3], 2, exit_status=None)
    cell = only(replace(found, trials=(*found.trials[:3], lost, *found.trials[3:])))
    assert (cell.verdict, cell.trials) == ("valid", 5)


def test_outputs_that_differ_between_trials_of_one_thread_are_a_mismatch() -> None:
    found = evidence(blocks=2)
    other = edited(found, "output", digest="1" * 64).trials[1]
    cell = only(replace(found, trials=(found.trials[0], other)))
    assert cell.verdict == "invalid"
    assert "OUTPUT_MISMATCH" in codes(cell)


@pytest.mark.parametrize(("error", "wrong"), [(0.1, False), (0.9, True)])
def test_int8_output_is_judged_by_its_distance_from_the_float_models(error: float, wrong: bool) -> None:
    """SQNR of a relative error e is -20 log10(e): 20 dB at 0.1, 0.9 dB at 0.9; 8 dB are asked of int8."""
    reference = np.random.default_rng(0).normal(size=1000)
    noise = np.random.default_rng(1).normal(size=1000) * error
    file = artifact(precision="int8", weights=Weights(kind="pretrained", source="x"), parity=parity_of(reference, 9.0))
    found = evidence(Effects(values=tuple((reference + noise).tolist())), [file], blocks=2)
    assert ("OUTPUT_MISMATCH" in codes(only(found))) is wrong


def test_output_farther_from_the_float_models_than_at_export_is_a_mismatch() -> None:
    """20 dB on the device, 24 dB on the host: 3 dB are allowed between two processors."""
    reference = np.random.default_rng(0).normal(size=1000)
    noise = np.random.default_rng(1).normal(size=1000) * 0.1
    values = tuple((reference + noise).tolist())
    near, far = (artifact(precision="int8", parity=parity_of(reference, db)) for db in (22.0, 24.0))
    assert "OUTPUT_MISMATCH" not in codes(only(evidence(Effects(values=values), [near], blocks=2)))
    assert "OUTPUT_MISMATCH" in codes(only(evidence(Effects(values=values), [far], blocks=2)))


def test_int8_file_of_random_weights_is_held_only_to_what_it_was_at_export() -> None:
    """4 dB, which no file of trained weights may have: random weights compute nothing that int8 could ruin."""
    reference = np.random.default_rng(0).normal(size=1000)
    values = tuple((reference + np.random.default_rng(1).normal(size=1000) * 0.63).tolist())
    file = artifact(precision="int8", parity=parity_of(reference, 4.0))
    assert "OUTPUT_MISMATCH" not in codes(only(evidence(Effects(values=values), [file], blocks=2)))


def parity_of(outputs: np.ndarray, sqnr_db: float) -> Parity:
    text = base64.b64encode(outputs.astype("<f4").tobytes()).decode()
    return Parity(input="card 1", outputs=text, sqnr_db=sqnr_db)


def test_known_undelegated_operators_are_expected() -> None:
    known = Delegation(partitions=2, undelegated=("CONV_2D", "CONV_2D"), transposes=0)
    assert "NOT_DELEGATED" not in codes(only(evidence(Effects(undelegated=2), [artifact(delegation=known)])))
    assert "NOT_DELEGATED" in codes(only(evidence(Effects(undelegated=3), [artifact(delegation=known)])))


def test_emulated_board_is_marked_and_its_minimum_counts() -> None:
    cell = only(evidence(Effects(trial_effect=1e-5, sample_noise=1e-4), clock="instructions", blocks=2))
    assert codes(cell) == {"EMULATED"}
    assert cell.latency is not None
    assert cell.latency.unit == "instructions"
    assert cell.latency.median == cell.latency.low


def test_waived_code_stays_visible_and_no_longer_counts() -> None:
    found = evidence(Effects(drift=0.2, steady=False))
    cell = only(found, ("DRIFT", "BIMODAL"))
    assert cell.verdict == "suspect"
    assert {reason.code for reason in cell.reasons if reason.waived} >= {"DRIFT"}
    assert only(found, ("DRIFT", "BIMODAL", "NOT_WARM")).verdict == "valid"


def test_unknown_code_cannot_be_waived() -> None:
    with pytest.raises(UsageError, match="SLOW"):
        cells(evidence(), ("SLOW",))


def test_the_page_on_verdicts_explains_every_code_once() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "verdicts.md"
    explained = re.findall(r"^\| `([A-Z_]+)` \|", page.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(CHECKS)


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.05])
def test_stationary_cells_are_valid_in_99_of_100(noise: float) -> None:
    """400 cells each; with a true rate of 1 % more than 10 alarms have a chance below 0.3 %."""
    artifacts = [artifact(f"net{number}") for number in range(400)]
    found = evidence(Effects(sample_noise=noise, trial_effect=0.015, samples=60), artifacts, seed=7)
    assert sum(cell.verdict != "valid" for cell in cells(found)) <= 10
