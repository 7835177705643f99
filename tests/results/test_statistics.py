"""Statistics against papers, arithmetic, second implementations, and simulations whose truth is known."""

from __future__ import annotations

import math
import statistics as python_statistics

import numpy as np
import pytest
from scipy import stats

from results.statistics import (
    Point,
    Ratio,
    block_ratio,
    coefficient_of_variation,
    decide,
    hierarchical_bootstrap,
    log_t_interval,
    median_with_interval,
    mnasnet_reward,
    otsu_split,
    pareto_front,
    percentile,
    rank_correlation,
    student_t,
    unpaired_ratio,
    widest_gap,
    wilson_interval,
)


def test_students_quantiles_equal_the_printed_table() -> None:
    # Student's t, two-sided 95 %: degrees 1, 2, 4, 9 as printed in any statistics textbook
    for degrees, printed in ((1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262)):
        assert student_t(0.975, degrees) == pytest.approx(printed, abs=5e-4)


def test_interval_equals_scipys_on_logarithms() -> None:
    trials = [9.8, 10.1, 10.4, 9.9, 10.0]
    expected = stats.t.interval(0.95, 4, np.log(trials).mean(), stats.sem(np.log(trials)))
    low, high = log_t_interval(trials)
    assert (math.log(low), math.log(high)) == pytest.approx(expected)


@pytest.mark.parametrize("trials", [3, 5, 7, 10])
def test_interval_covers_the_truth_in_95_of_100_runs(trials: int) -> None:
    """2,000 runs; trial effect 2 %, sample noise 5 %: the binomial error of the count is 0.5 %, so 93-97 is 4 sigma."""
    random = np.random.default_rng(trials)
    effects = random.normal(0, 0.02, (2000, trials, 1))
    samples = 10.0 * np.exp(effects + random.normal(0, 0.05, (2000, trials, 100)))
    low, high = log_t_interval(np.median(samples, axis=2))
    assert 0.93 <= float(np.mean((low <= 10.0) & (high >= 10.0))) <= 0.97


def test_bootstrap_over_three_trials_covers_too_little() -> None:
    """The known defect that made us choose Student's t: DESIGN.md section 6 says 85 % with 3 trials."""
    random = np.random.default_rng(0)
    covered = 0
    for run in range(200):
        samples = 10.0 * np.exp(random.normal(0, 0.02, (3, 1)) + random.normal(0, 0.05, (3, 50)))
        low, high = hierarchical_bootstrap(samples, seed=run, resamples=200)
        covered += low <= 10.0 <= high
    assert covered / 200 < 0.93


def test_one_trial_has_no_interval() -> None:
    assert median_with_interval([10.0]) == (10.0, None, None)


def test_interval_holds_the_median_of_skewed_trials() -> None:
    trials = [10.0] * 15 + [20.0] * 14
    median, low, high = median_with_interval(trials)
    assert median == 10.0
    assert low is not None
    assert high is not None
    assert low <= median <= high


def test_percentile_needs_one_sample_beyond_it() -> None:
    assert percentile(range(99), 0.99) is None
    assert percentile(range(100), 0.99) == pytest.approx(np.percentile(np.arange(100), 99))
    assert percentile(range(10), 0.9) is not None


def test_variation_equals_the_standard_library() -> None:
    samples = [3.0, 4.5, 5.1, 2.2]
    expected = python_statistics.stdev(samples) / python_statistics.mean(samples)
    assert coefficient_of_variation(samples) == pytest.approx(expected)


def test_drift_common_to_both_sides_of_a_block_cancels() -> None:
    drift = np.array([1.0, 1.3, 1.7, 2.2, 2.9])
    ratio = block_ratio((10.0 * drift).tolist(), (10.5 * drift).tolist())
    assert ratio.estimate == pytest.approx(1.05)
    assert ratio.high == pytest.approx(1.05)


def test_unpaired_ratio_equals_scipys_welch_interval() -> None:
    a, b = [10.0, 10.3, 9.9, 10.1, 10.6], [10.9, 11.4, 11.0]
    ratio = unpaired_ratio(a, b)
    difference = stats.ttest_ind(np.log(b), np.log(a), equal_var=False)
    assert ratio.estimate == pytest.approx(math.exp(np.log(b).mean() - np.log(a).mean()))
    assert ratio.low is not None
    assert ratio.high is not None
    interval = difference.confidence_interval(0.95)
    # ours rounds Satterthwaite's degrees down to an integer: never narrower, and by no more than a fifth wider
    assert ratio.low <= math.exp(interval.low)
    assert ratio.high >= math.exp(interval.high)
    assert math.log(ratio.high / ratio.low) <= 1.2 * (interval.high - interval.low)


@pytest.mark.parametrize(
    ("low", "high", "baseline", "answer"),
    [
        (1.02, 1.04, 10.0, "FAIL"),
        (0.99, 1.01, 10.0, "PASS"),
        (1.01, 1.03, 10.0, "INCONCLUSIVE"),
        (1.02, 1.04, 0.1, "PASS"),  # 4 % of 0.1 ms is below the floor of 0.02 ms
        (1.25, 1.4, 0.1, "FAIL"),
        (None, None, 10.0, "INCONCLUSIVE"),
    ],
)
def test_decision_needs_both_threshold_and_floor(
    low: float | None, high: float | None, baseline: float, answer: str
) -> None:
    assert decide(Ratio(1.0, low, high, 5), baseline, relative=0.015, floor=0.02) == answer


def test_repeated_looks_at_identical_models_do_not_fail_them() -> None:
    """300 checks of equal models with trial effects of 2 %, each looked at after 8, 16, 24, 32 and 40 blocks."""
    random = np.random.default_rng(1)
    failed = 0
    for _ in range(300):
        a, b = (10.0 * np.exp(random.normal(0, 0.02, 40)) for _ in range(2))
        for blocks in (8, 16, 24, 32, 40):
            answer = decide(block_ratio(a[:blocks].tolist(), b[:blocks].tolist()), 10.0, 0.015, 0.02)
            failed += answer == "FAIL"
            if answer != "INCONCLUSIVE":
                break
    assert failed <= 3


def test_front_of_points_equals_brute_force() -> None:
    random = np.random.default_rng(3)
    latency, accuracy = random.integers(1, 30, 60), random.integers(50, 80, 60)
    points = [Point((float(x), float(x)), (float(y), float(y))) for x, y in zip(latency, accuracy, strict=True)]
    expected = [
        not np.any((latency <= x) & (accuracy >= y) & ((latency < x) | (accuracy > y)))
        for x, y in zip(latency, accuracy, strict=True)
    ]
    assert pareto_front(points) == expected


def test_overlapping_intervals_dominate_nothing() -> None:
    points = [Point((9.0, 11.0), (70.0, 70.0)), Point((10.0, 12.0), (69.0, 69.0)), Point((11.5, 12.0), (69.0, 69.0))]
    assert pareto_front(points) == [True, True, False]


def test_reward_equals_the_papers_two_settings() -> None:
    # Tan et al., section 3: doubling latency at equal reward allows 5 % more accuracy under (-0.07, -0.07)
    soft = mnasnet_reward([0.75, 0.75 * 1.05], [80.0, 160.0], 80.0, -0.07, -0.07)
    assert soft[1] / soft[0] == pytest.approx(1.0, abs=0.001)
    hard = mnasnet_reward([0.75, 0.75], [40.0, 160.0], 80.0, 0.0, -1.0)
    assert hard.tolist() == pytest.approx([0.75, 0.375])


def test_wilson_interval_equals_scipys() -> None:
    expected = stats.binomtest(70, 80).proportion_ci(method="wilson")
    assert wilson_interval(70, 80) == pytest.approx((expected.low, expected.high))
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_rank_correlation_ignores_the_scale_and_refuses_a_constant() -> None:
    assert rank_correlation([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1.0)
    assert rank_correlation([1, 2, 3, 4], [5, 5, 5, 5]) is None
    assert rank_correlation([1, 2], [1, 2]) is None


def test_split_of_known_distributions_explains_the_known_share() -> None:
    even = np.linspace(1.0, 2.0, 10_001)
    normal = stats.norm.ppf(np.linspace(0.0005, 0.9995, 10_001), 10.0, 1.0)
    apart = np.concatenate([normal, normal + 4.0])
    assert otsu_split(even)[0] == pytest.approx(0.75, abs=0.001)
    assert otsu_split(normal)[0] == pytest.approx(2 / math.pi, abs=0.01)
    assert otsu_split(apart)[0] == pytest.approx(0.80, abs=0.02)
    assert otsu_split(np.full(50, 3.0)) == (0.0, 0.0, 0.0)


def test_no_split_is_wider_than_the_widest_gap() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        modes = np.where(random.random(60) < random.uniform(0.1, 0.5), 10.0 + random.uniform(0, 3), 10.0)
        ordered = np.sort(modes * np.exp(random.normal(0, random.uniform(0.001, 0.05), 60)))
        _, share, gap = otsu_split(ordered)
        if share >= 0.15:
            assert gap <= widest_gap(ordered, 0.15)
    halves = np.repeat([10.0, 11.0], 30)
    assert widest_gap(halves, 0.5) == pytest.approx(otsu_split(halves)[2]) == pytest.approx(0.1)
