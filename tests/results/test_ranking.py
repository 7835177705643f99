"""Rewards, ranks and the Pareto front against brute force; probabilities against a simulation with known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.artifact import Published
from foundation.errors import UsageError
from results.accuracy import Score
from results.cell_result import CellResult
from results.derive import cells
from results.ranking import Accuracy, Candidate, candidates_of, rank, sample, share_first, share_on_front, weights_of
from results.statistics import student_t
from tests.results.synthetic import Effects, artifact, evidence


def measured(
    latencies_ms: list[float], top1: list[float], blocks: int = 5, trial_effect: float = 0.02
) -> list[CellResult]:
    """Cells of one run with these true latencies and published accuracies (percent)."""
    files = [
        artifact(f"net_{index}", published=Published(top1=value, source="paper")) for index, value in enumerate(top1)
    ]
    effects = [Effects(latency_ns=ms * 1e6, trial_effect=trial_effect, samples=20) for ms in latencies_ms]
    return cells(evidence(effects, files, blocks=blocks))


def candidate(cell: CellResult, logs: list[float], accuracy: Accuracy) -> Candidate:
    """A candidate with exactly these log trial latencies."""
    trials = tuple(
        trial.model_copy(update={"latency": math.exp(log)})
        for trial, log in zip(cell.trial_latencies, logs, strict=True)
    )
    return Candidate(cell.model_copy(update={"trial_latencies": trials}), cell.latency, accuracy)


def test_reward_and_order_equal_the_formula_worked_by_hand() -> None:
    results = measured([10.0, 20.0, 40.0], [60.0, 70.0, 75.0], trial_effect=0.0)
    [group], left_out = candidates_of(results)
    ranking = rank(group, 20.0, -0.07, -0.07)
    # 0.60 x 0.5^-0.07 = 0.6298, 0.70 x 1 = 0.70, 0.75 x 2^-0.07 = 0.7145
    assert [one.network for one in ranking.ranked] == ["net_2", "net_1", "net_0"]
    assert [one.reward for one in ranking.ranked] == pytest.approx([0.7145, 0.7000, 0.6298], abs=0.002)
    hard = rank(group, 20.5, 0.0, -1.0)
    assert [one.network for one in hard.ranked] == ["net_1", "net_0", "net_2"]
    assert not left_out


def test_probabilities_equal_a_simulation_of_the_same_truth() -> None:
    """Two networks of equal accuracy: P(first) is P(t1 s1 - t2 s2 < d), integrated here on a grid, not drawn."""
    results = measured([10.0, 10.0], [70.0, 70.0])
    first, second = ([-0.02, -0.01, 0.0, 0.01, 0.02], [-0.01, 0.0, 0.01, 0.02, 0.03])
    accuracy = Accuracy(top1=0.7, kind="published", source="paper")
    group = [candidate(results[0], first, accuracy), candidate(results[1], second, accuracy)]
    ranking = rank(group, 20.0, -0.07, -0.07, draws=200_000)
    by_network = {one.network: one.probability_first for one in ranking.ranked}
    error = np.std(first, ddof=1) / math.sqrt(5)
    shares = (np.arange(2000) + 0.5) / 2000
    quantiles = np.array([student_t(float(share), 4) for share in shares]) * error
    expected = np.mean(quantiles[:, None] < quantiles[None, :] + 0.01)
    assert by_network["net_0"] == pytest.approx(expected, abs=0.005)
    assert by_network["net_0"] + by_network["net_1"] == pytest.approx(1.0)
    # with equal accuracy only the faster is on the front, so the two probabilities are the same
    assert {one.network: one.probability_on_front for one in ranking.ranked} == pytest.approx(by_network)


def test_draws_have_the_moments_of_student_and_of_jeffreys_beta() -> None:
    results = measured([10.0], [70.0])
    logs = [0.0, 0.1, 0.2, 0.3, 0.4]
    counted = Accuracy(top1=0.6, kind="pictures", source="65 pictures", correct=60, pictures=100)
    latency, accuracy = sample([candidate(results[0], logs, counted)], 400_000, seed=3)
    drawn = np.log(latency[:, 0])
    error = np.std(logs, ddof=1) / math.sqrt(5)
    assert np.median(drawn) == pytest.approx(0.2, abs=0.001)
    assert np.quantile(drawn, 0.975) - 0.2 == pytest.approx(2.776 * error, rel=0.02)  # t table, 4 degrees
    assert accuracy.mean() == pytest.approx(60.5 / 101, abs=0.0005)
    assert accuracy.std() == pytest.approx(math.sqrt(60.5 * 40.5 / (101**2 * 102)), rel=0.01)


def test_calibrated_the_truly_best_is_first_as_often_as_said() -> None:
    """Known truth drawn again and again: among cells given probability p, a share p is truly first."""
    random = np.random.default_rng(11)
    template = measured([10.0, 10.0, 10.0], [70.0] * 3)
    accuracy = Accuracy(top1=0.7, kind="published", source="paper")
    said, true = [], []
    for _ in range(400):
        truth = random.normal(0.0, 0.03, 3)
        group = [
            candidate(cell, list(truth[index] + random.normal(0.0, 0.02, 5)), accuracy)
            for index, cell in enumerate(template)
        ]
        ranking = rank(group, 10.0, -0.07, -0.07, draws=500)
        for one in ranking.ranked:
            said.append(one.probability_first)
            true.append(int(one.network[-1]) == int(np.argmin(truth)))
    said_array, true_array = np.array(said), np.array(true)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8)):
        chosen = (said_array >= low) & (said_array < high)
        assert true_array[chosen].mean() == pytest.approx(said_array[chosen].mean(), abs=0.09)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=8),
    st.integers(0, 5),
)
def test_front_membership_equals_brute_force_also_with_ties(points: list[tuple[int, int]], shift: int) -> None:
    latency = np.array([[one[0] for one in points], [(one[0] + shift * i) % 5 for i, one in enumerate(points)]], float)
    accuracy = np.array([[one[1] for one in points]] * 2, float)

    def dominated(row: int, me: int) -> bool:
        return any(
            latency[row, other] <= latency[row, me]
            and accuracy[row, other] >= accuracy[row, me]
            and (latency[row, other] < latency[row, me] or accuracy[row, other] > accuracy[row, me])
            for other in range(len(points))
        )

    expected = np.mean([[not dominated(row, me) for me in range(len(points))] for row in range(2)], axis=0)
    assert share_on_front(latency, accuracy) == pytest.approx(expected)


def test_tied_rewards_share_the_first_place() -> None:
    assert share_first(np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])) == pytest.approx([0.25, 0.5, 0.25])


def test_one_trial_gives_an_order_but_no_probability() -> None:
    [group], _ = candidates_of(measured([10.0, 20.0], [60.0, 70.0], blocks=1))
    ranking = rank(group, 20.0, -0.07, -0.07)
    assert [one.probability_first for one in ranking.ranked] == [None, None]
    assert [one.rank for one in ranking.ranked] == [1, 2]


def test_same_seed_same_probabilities() -> None:
    [group], _ = candidates_of(measured([10.0, 10.1, 10.2], [60.0, 60.1, 60.2]))
    assert rank(group, 9.0, 0.0, -1.0, seed=5) == rank(group, 9.0, 0.0, -1.0, seed=5)


def test_cells_without_a_top1_or_with_an_invalid_verdict_are_left_out_with_the_reason() -> None:
    good, bad = measured([10.0, 20.0], [60.0, 70.0])
    unknown = good.model_copy(update={"id": "unknown", "published": None})
    groups, left_out = candidates_of([good, bad.model_copy(update={"verdict": "invalid"}), unknown])
    assert [one.cell.id for one in groups[0]] == [good.id]
    assert left_out[bad.id].startswith("invalid")
    assert left_out["unknown"] == "no top-1 is known"


def test_a_measured_top1_is_ranked_with_its_own_pictures_and_never_with_published_ones() -> None:
    first, second = measured([10.0, 20.0], [60.0, 70.0])
    score = Score(
        cell=first.id, network=first.network, format="tflite", precision="fp32", device="local", threads=1,
        artifact=first.artifact.sha256, data="pictures", validation=False, pictures=50, planned=50, skipped=0,
        correct=45, top1=0.9, top1_low=0.79, top1_high=0.96, top5=1.0, top5_low=0.93, top5_high=1.0, agreement=None,
        compared=0, sqnr_db=None, waiting_share=None, pictures_per_s=None,
    )  # fmt: skip
    groups, _ = candidates_of([first.model_copy(update={"accuracy": score}), second])
    assert [[one.accuracy.top1 for one in group] for group in groups] == [[0.9], [0.6, 0.7]]
    with pytest.raises(UsageError, match="data sets"):
        rank([*groups[0], *groups[1]], 20.0, 0.0, -1.0)
    ranking = rank(groups[0], 20.0, 0.0, -1.0)
    assert (ranking.accuracy, ranking.ranked[0].top1_source) == ("pictures", "top-1 on pictures (50 pictures)")


def test_two_devices_are_never_in_one_ranking() -> None:
    here, there = measured([10.0, 20.0], [60.0, 70.0])
    groups, _ = candidates_of([here, there.model_copy(update={"device": "pixel"})])
    assert len(groups) == 2
    with pytest.raises(UsageError, match="together"):
        rank([*groups[0], *groups[1]], 20.0, 0.0, -1.0)


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan, math.inf])
def test_a_target_that_is_no_latency_is_refused(target: float) -> None:
    [group], _ = candidates_of(measured([10.0], [60.0]))
    with pytest.raises(UsageError, match="target"):
        rank(group, target, 0.0, -1.0)


def test_presets_are_those_of_the_paper_and_options_override_them() -> None:
    assert weights_of("hard", None, None) == (0.0, -1.0)
    assert weights_of("soft", None, None) == (-0.07, -0.07)
    assert weights_of("soft", 0.0, None) == (0.0, -0.07)
    with pytest.raises(UsageError, match="preset"):
        weights_of("firm", None, None)
