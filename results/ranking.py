"""Which network to take: MnasNet's reward, the Pareto front, and how sure both are.

The probabilities come from the intervals' own distributions: a cell's log latency is its trials' mean plus
Student's t times their standard error (what results.statistics.log_t_interval is made of), a measured top-1 is a Beta
distribution over the pictures it got right. A published top-1 carries no interval and stays fixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foundation.errors import UsageError
from foundation.record import Record
from results.cell_result import CellResult, Estimate, Interval, Unit
from results.statistics import Point, mnasnet_reward, pareto_front, wilson_interval

Floats = NDArray[np.float64]

PRESETS: Final[dict[str, tuple[float, float]]] = {"hard": (0.0, -1.0), "soft": (-0.07, -0.07)}
PUBLISHED: Final = "published"
DRAWS: Final = 20_000  # a probability of 0.5 is then known to +- 0.7 % (95 %)


class Accuracy(Record):
    """A top-1 as a fraction of 1, published or measured on a data set (`kind`); a measured one has its counts."""

    top1: float
    kind: str
    source: str
    correct: int | None = None
    pictures: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A cell that has both a latency and a top-1."""

    cell: CellResult
    latency: Estimate
    accuracy: Accuracy


class Ranked(Record):
    """One candidate's place. `latency` is in the ranking's unit; no probability where a candidate has no interval.

    `on_front`: not dominated, as far as the intervals can tell; `probability_on_front`: the share of draws in which
    no candidate beats it in both.
    """

    rank: int
    cell: str
    network: str
    format: str
    precision: str
    latency: float
    top1: float
    top1_source: str
    verdict: str
    reward: float
    reward_interval: Interval | None
    probability_first: float | None
    on_front: bool
    probability_on_front: float | None


class Ranking(Record):
    """Candidates measured alike (device, threads, cores), best reward first; who was left out, and why.

    `accuracy` is "published", or the data set on which every top-1 of this ranking was measured.
    """

    device: str
    threads: int
    cores: str
    accuracy: str
    target: float
    unit: Unit
    alpha: float
    beta: float
    draws: int
    seed: int
    ranked: tuple[Ranked, ...]
    left_out: dict[str, str]  # cell id -> why


def candidates_of(results: Sequence[CellResult]) -> tuple[list[list[Candidate]], dict[str, str]]:
    """Cells that can be ranked, those measured alike together; and why each other cell cannot (cell id -> reason).

    A top-1 that was measured on the device is ranked with those on the same pictures; the published one, which is the
    float network's and which int8 and random weights inherit, with other published ones. A cell may be in both.
    """
    groups: dict[tuple[object, ...], list[Candidate]] = {}
    left_out = {}
    for cell in results:
        scores = _accuracies(cell)
        if cell.verdict == "invalid":
            left_out[cell.id] = "invalid: " + ", ".join(reason.code for reason in cell.reasons if not reason.waived)
        elif cell.latency is None:
            left_out[cell.id] = "no latency: " + ", ".join(reason.code for reason in cell.reasons)
        elif not scores:
            left_out[cell.id] = "no top-1 is known"
        else:
            for score in scores:
                groups.setdefault((*_conditions(cell), score.kind), []).append(Candidate(cell, cell.latency, score))
    return sorted(groups.values(), key=lambda group: group[0].accuracy.kind == PUBLISHED), left_out


def _accuracies(cell: CellResult) -> list[Accuracy]:
    found = []
    score = cell.accuracy
    if score is not None and score.pictures:
        found.append(
            Accuracy(
                top1=score.top1, kind=score.data, source=score.label, correct=score.correct, pictures=score.pictures
            )
        )
    if cell.published is not None and cell.published.top1 is not None:
        found.append(Accuracy(top1=cell.published.top1 / 100, kind=PUBLISHED, source=cell.published.source))
    return found


def rank(
    candidates: Sequence[Candidate],
    target: float,
    alpha: float,
    beta: float,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    left_out: dict[str, str] | None = None,
) -> Ranking:
    """Order candidates by reward at the target (in their unit) and say how sure that order is.

    Raises UsageError for no candidate, candidates not measured alike, or a target that is not positive.
    """
    if not target > 0 or not math.isfinite(target):
        raise UsageError("the target latency must be a positive number", hint="for example --target-ms 20")
    if not candidates:
        reasons = sorted(set((left_out or {}).values()))
        raise UsageError("no cell can be ranked", hint="; ".join(reasons) or "the run has no cell")
    if len({(*_conditions(candidate.cell), candidate.accuracy.kind) for candidate in candidates}) > 1:
        raise UsageError("cells of several devices, thread counts, core choices or data sets cannot be ranked together")
    accuracy = np.array([candidate.accuracy.top1 for candidate in candidates])
    medians = np.array([candidate.latency.median for candidate in candidates])
    rewards = mnasnet_reward(accuracy, medians, target, alpha, beta)
    front = pareto_front([_point(candidate) for candidate in candidates])
    uncertainty = _uncertainty(candidates, target, (alpha, beta), draws, seed)
    order = sorted(
        range(len(candidates)), key=lambda index: (-rewards[index], medians[index], candidates[index].cell.id)
    )
    ranked = []
    for place, index in enumerate(order, start=1):
        candidate, cell = candidates[index], candidates[index].cell
        first, on_front, interval = uncertainty[index]
        ranked.append(
            Ranked(
                rank=place,
                cell=cell.id,
                network=cell.network,
                format=cell.format,
                precision=cell.precision,
                latency=candidate.latency.median,
                top1=candidate.accuracy.top1,
                top1_source=candidate.accuracy.source,
                verdict=cell.verdict,
                reward=float(rewards[index]),
                reward_interval=interval,
                probability_first=first,
                on_front=front[index],
                probability_on_front=on_front,
            )
        )
    return Ranking(
        device=candidates[0].cell.device,
        threads=candidates[0].cell.threads,
        cores=candidates[0].cell.cores,
        accuracy=candidates[0].accuracy.kind,
        target=target,
        unit=candidates[0].latency.unit,
        alpha=alpha,
        beta=beta,
        draws=draws,
        seed=seed,
        ranked=tuple(ranked),
        left_out=left_out or {},
    )


def _uncertainty(
    candidates: Sequence[Candidate], target: float, weights: tuple[float, float], draws: int, seed: int
) -> list[tuple[float | None, float | None, Interval | None]]:
    """Of each candidate: the probability of being first, of being on the front, and the reward's 95 % interval."""
    if not all(_has_interval(candidate) for candidate in candidates):
        return [(None, None, None)] * len(candidates)
    latency, accuracy = sample(candidates, draws, seed)
    rewards = mnasnet_reward(accuracy, latency, target, *weights)
    ends = np.quantile(rewards, (0.025, 0.975), axis=0).T.tolist()
    intervals = [Interval(low=low, high=high) for low, high in ends]
    return list(zip(share_first(rewards).tolist(), share_on_front(latency, accuracy).tolist(), intervals, strict=True))


def sample(candidates: Sequence[Candidate], draws: int, seed: int) -> tuple[Floats, Floats]:
    """Latencies and accuracies, each (draws, candidates), from the distributions behind the intervals.

    Instructions have a range instead of a distribution: they are drawn uniformly between its ends.
    """
    random = np.random.default_rng(seed)
    latency = np.empty((draws, len(candidates)))
    accuracy = np.empty_like(latency)
    for column, candidate in enumerate(candidates):
        estimate = candidate.latency
        if estimate.unit == "instructions" and estimate.low is not None and estimate.high is not None:
            latency[:, column] = random.uniform(estimate.low, estimate.high, draws)
        else:
            logs = np.log([trial.latency for trial in candidate.cell.trial_latencies if trial.latency is not None])
            error = logs.std(ddof=1) / math.sqrt(logs.size)
            latency[:, column] = np.exp(logs.mean() + error * random.standard_t(logs.size - 1, draws))
        score = candidate.accuracy
        if score.correct is None or score.pictures is None:
            accuracy[:, column] = score.top1
        else:  # Jeffreys' prior, the usual Bayesian partner of Wilson's interval (Brown, Cai, DasGupta 2001)
            accuracy[:, column] = random.beta(score.correct + 0.5, score.pictures - score.correct + 0.5, draws)
    return latency, accuracy


def share_first(rewards: Floats) -> Floats:
    """Share of draws (rows) in which each candidate (column) has the highest reward; ties are shared out."""
    best = rewards == rewards.max(axis=1, keepdims=True)
    share: Floats = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return share


def share_on_front(latency: Floats, accuracy: Floats) -> Floats:
    """Share of draws (rows) in which no other candidate is as fast and as accurate and better in one of the two."""
    rows = np.arange(latency.shape[0])[:, None]
    order = np.lexsort((-accuracy, latency), axis=1)  # by latency, the more accurate of equals first
    fast, good = latency[rows, order], accuracy[rows, order]
    best = np.maximum.accumulate(good, axis=1)
    before = np.concatenate([np.full((len(best), 1), -np.inf), best[:, :-1]], axis=1)
    alone = good > before
    for column in range(1, alone.shape[1]):  # an exact copy of one on the front is on it too
        same = (fast[:, column] == fast[:, column - 1]) & (good[:, column] == good[:, column - 1])
        alone[:, column] |= same & alone[:, column - 1]
    members = np.empty_like(alone)
    members[rows, order] = alone
    share: Floats = members.mean(axis=0)
    return share


def weights_of(preset: str, alpha: float | None, beta: float | None) -> tuple[float, float]:
    """Exponents below and beyond the target: a preset's, each overridden where given. Raises UsageError."""
    if preset not in PRESETS:
        raise UsageError(f"no preset {preset}", hint=f"there are {', '.join(PRESETS)}")
    below, beyond = PRESETS[preset]
    chosen = (below if alpha is None else alpha), (beyond if beta is None else beta)
    if not all(math.isfinite(value) for value in chosen):
        raise UsageError("alpha and beta must be finite numbers")
    return chosen


def _conditions(cell: CellResult) -> tuple[object, ...]:
    return cell.device, cell.threads, cell.cores, cell.unit


def _has_interval(candidate: Candidate) -> bool:
    return candidate.latency.low is not None and candidate.latency.high is not None


def _point(candidate: Candidate) -> Point:
    estimate, score = candidate.latency, candidate.accuracy
    low = estimate.median if estimate.low is None else estimate.low
    high = estimate.median if estimate.high is None else estimate.high
    if score.correct is None or score.pictures is None:
        return Point((low, high), (score.top1, score.top1))
    return Point((low, high), wilson_interval(score.correct, score.pictures))
