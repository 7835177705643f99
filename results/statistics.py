"""Every statistic that pocketbench publishes, each with its source. Pure, vectorised, seeded where random.

Times are in any one unit; functions that work on logarithms need positive figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Decision = Literal["PASS", "FAIL", "INCONCLUSIVE"]

MIN_UNDISTURBED = 10  # below so many undisturbed samples a trial has no latency


@cache
def student_t(probability: float, degrees: int) -> float:
    """Quantile of Student's t distribution ("Student", Biometrika 1908)."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def median(values: ArrayLike) -> float:
    """The middle value, or the mean of the two in the middle; several times faster than numpy's on short arrays.

    Raises IndexError for none.
    """
    ordered = np.array(values, dtype=np.float64)
    ordered.sort()
    return middle(ordered)


def middle(ordered: Floats) -> float:
    """Median of what is sorted already. Raises IndexError for none."""
    half = ordered.size // 2
    return float(ordered[half] if ordered.size % 2 else (ordered[half - 1] + ordered[half]) / 2.0)


def percentile(samples: ArrayLike, share: float) -> float | None:
    """The `share` quantile (0.99: p99), or None where fewer than one sample is expected beyond it: n (1 - share) < 1.

    Linear interpolation, Hyndman and Fan 1996, type 7.
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    if ordered.size * (1.0 - share) < 1.0 - 1e-9:
        return None
    place = share * (ordered.size - 1)
    below = math.floor(place)
    above = min(below + 1, ordered.size - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


def coefficient_of_variation(samples: ArrayLike) -> float | None:
    """Sample standard deviation over mean; None for fewer than two samples."""
    values = np.asarray(samples, dtype=np.float64)
    if values.size < 2:
        return None
    mean = float(values.sum()) / values.size
    apart = values - mean
    return math.sqrt(float(apart @ apart) / (values.size - 1)) / mean


def log_t_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Interval of the typical trial's figure: Student's t on logarithms, along the last axis (trials; at least 2).

    The trial, a fresh process, is the unit that varies: Georges et al., Statistically rigorous Java performance
    evaluation, OOPSLA 2007, section 3; Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013.
    Logarithms, because effects on a latency multiply and a latency is positive. Coverage is measured by
    benchmarks/interval_coverage.py. Raises ValueError for fewer than two trials.
    """
    logs = np.log(np.asarray(values, dtype=np.float64))
    trials = logs.shape[-1]
    if trials < 2:
        raise ValueError("an interval needs at least two trials")
    centre = logs.sum(axis=-1) / trials
    apart = logs - centre[..., None]
    spread = np.sqrt((apart * apart).sum(axis=-1) / (trials - 1))
    reach = student_t(0.5 + confidence / 2, trials - 1) * spread / math.sqrt(trials)
    return np.exp(centre - reach), np.exp(centre + reach)


def median_with_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Median over trials and its 95 % interval, which is widened to hold the median should skew push it out.

    One trial has no interval. Raises ValueError for none.
    """
    if not values:
        raise ValueError("no trial gave a figure")
    middle = median(values)
    if len(values) < 2:
        return middle, None, None
    low, high = log_t_interval(values)
    return middle, min(float(low), middle), max(float(high), middle)


def hierarchical_bootstrap(trials: Floats, seed: int, resamples: int = 1000) -> tuple[float, float]:
    """Percentile bootstrap of the median of trial medians, resampling trials, then samples within each.

    `trials`: (trials, samples). Ren et al., 2010, as used by benchmarking tools; here for comparison only: it
    covers too little with few trials (benchmarks/interval_coverage.py).
    """
    random = np.random.default_rng(seed)
    count, samples = trials.shape
    chosen = random.integers(0, count, (resamples, count))
    within = random.integers(0, samples, (resamples, count, samples))
    medians = np.median(trials[chosen[:, :, None], within], axis=2)
    low, high = np.quantile(np.median(medians, axis=1), (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True)
class Ratio:
    """B over A from paired blocks: 1.03 means B is 3 % slower. The interval is None with fewer than two blocks."""

    estimate: float
    low: float | None
    high: float | None
    blocks: int


def block_ratio(a: Sequence[float], b: Sequence[float]) -> Ratio:
    """Ratio b/a within each block, its geometric mean and interval by Student's t on the log ratios.

    Measuring both in each block cancels what drifts slowly (Chen and Revels, Robust benchmarking in noisy
    environments, HPEC 2016). `a[i]` and `b[i]` come from the same block. Raises ValueError for no block.
    """
    if len(a) != len(b) or not a:
        raise ValueError("blocks of both sides must pair up")
    ratios = np.asarray(b, dtype=np.float64) / np.asarray(a, dtype=np.float64)
    estimate = float(np.exp(np.log(ratios).mean()))
    if len(ratios) < 2:
        return Ratio(estimate, None, None, 1)
    low, high = log_t_interval(ratios)
    return Ratio(estimate, float(low), float(high), len(ratios))


def unpaired_ratio(a: Sequence[float], b: Sequence[float]) -> Ratio:
    """Ratio of two runs that share no blocks: Welch's t interval on the logarithms of their trial figures.

    Welch, Biometrika 1947, with Satterthwaite's degrees of freedom. It cannot see what changed between the two
    runs besides the code. Raises ValueError when a side is empty.
    """
    if not a or not b:
        raise ValueError("both sides need a trial")
    first, second = np.log(np.asarray(a, dtype=np.float64)), np.log(np.asarray(b, dtype=np.float64))
    difference = float(second.mean() - first.mean())
    blocks = min(len(first), len(second))
    if blocks < 2:
        return Ratio(math.exp(difference), None, None, blocks)
    parts = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    variance = float(sum(parts))
    if variance == 0.0:
        return Ratio(math.exp(difference), math.exp(difference), math.exp(difference), blocks)
    degrees = variance**2 / (parts[0] ** 2 / (len(first) - 1) + parts[1] ** 2 / (len(second) - 1))
    reach = student_t(0.975, max(1, math.floor(degrees))) * math.sqrt(variance)
    return Ratio(math.exp(difference), math.exp(difference - reach), math.exp(difference + reach), blocks)


def decide(ratio: Ratio, baseline: float, relative: float, floor: float) -> Decision:
    """Is B slower than A by more than it may be? FAIL and PASS only where the whole interval says so.

    A slowdown must exceed both `relative` (0.015: 1.5 %) and `floor` (absolute, in the unit of `baseline`), so the
    limit is the larger of the two. Testing against a margin rather than against 1 keeps repeated looks harmless
    (equivalence testing: Schuirmann, J. Pharmacokinetics and Biopharmaceutics 1987).
    """
    limit = 1.0 + max(relative, floor / baseline)
    if ratio.low is None or ratio.high is None:
        return "INCONCLUSIVE"
    if ratio.low > limit:
        return "FAIL"
    return "PASS" if ratio.high <= limit else "INCONCLUSIVE"


@dataclass(frozen=True)
class Point:
    """A candidate of the Pareto front; each interval is (low, high), equal ends where there is none."""

    latency: tuple[float, float]
    accuracy: tuple[float, float]


def pareto_front(points: Sequence[Point]) -> list[bool]:
    """Which points are not dominated, as far as the intervals can tell (Pareto, Manuale di economia politica, 1906).

    One is dominated when another's whole intervals are no slower and no less accurate than its own, and one of the
    two strictly better. With points in place of intervals this is the usual front.
    """
    return [not any(_dominates(other, mine) for other in points if other is not mine) for mine in points]


def _dominates(a: Point, b: Point) -> bool:
    no_worse = a.latency[1] <= b.latency[0] and a.accuracy[0] >= b.accuracy[1]
    return no_worse and (a.latency[1] < b.latency[0] or a.accuracy[0] > b.accuracy[1])


def mnasnet_reward(accuracy: ArrayLike, latency: ArrayLike, target: float, alpha: float, beta: float) -> Floats:
    """accuracy x (latency / target)^w, w = alpha up to the target and beta beyond it.

    Tan et al., MnasNet, CVPR 2019, equation 2; (0, -1) makes the target a hard limit, (-0.07, -0.07) a soft one.
    """
    ratio = np.asarray(latency, dtype=np.float64) / target
    return np.asarray(accuracy, dtype=np.float64) * ratio ** np.where(ratio <= 1.0, alpha, beta)


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share, such as a top-1 accuracy over `trials` pictures. Wilson, JASA 1927. 0 trials: (0, 1)."""
    if trials == 0:
        return 0.0, 1.0
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    share = successes / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties averaged (Spearman 1904); None below 3 pairs or where a side is constant."""
    if len(x) < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def half_log_ratio(samples: Floats) -> float:
    """Logarithm of second-half median over first-half median of samples in their order (at least 4)."""
    half = samples.size // 2
    return math.log(median(samples[-half:]) / median(samples[:half]))


def widest_gap(ordered: Floats, share: float) -> float:
    """The largest gap (as otsu_split tells it) that sorted samples can have whose smaller part is at least `share`.

    The variance between two parts, p (1 - p) gap^2, is at most all of it; no part's mean is below the fastest sample.
    """
    apart = ordered - ordered.sum() / ordered.size
    variance = float(apart @ apart) / ordered.size
    return math.sqrt(variance / (share * (1.0 - share))) / float(ordered[0])


def otsu_split(ordered: Floats) -> tuple[float, float, float]:
    """The split of sorted samples that explains most variance: (explained share, smaller part's share, gap of means).

    Otsu, IEEE Trans. SMC 1979 (separability eta). A normal distribution gives 2/pi = 0.64, a uniform one 0.75, two
    equal normal ones four standard deviations apart 0.8. The gap is relative to the lower part's mean.
    """
    count = ordered.size
    total = ordered.var() * count
    if total == 0.0:
        return 0.0, 0.0, 0.0
    sizes = np.arange(1, count)
    below = np.cumsum(ordered)[:-1] / sizes
    above = (ordered.sum() - below * sizes) / (count - sizes)
    between = sizes * (count - sizes) / count * (above - below) ** 2
    best = int(np.argmax(between))
    smaller = min(sizes[best], count - sizes[best]) / count
    return float(between[best] / total), float(smaller), float(above[best] / below[best] - 1.0)
