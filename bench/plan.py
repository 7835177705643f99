"""The plan: which cells, in which order, with which job. Pure: no device is touched here."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import product, zip_longest

from foundation.artifact import Artifact
from results.evidence import Cell, Clock

# DESIGN.md section 6; `docs/guide.md` explains each. Keys are the agent's (PROTOCOL.md).
STEADY_JOB = {
    "warmup_min": "3",
    "warmup_min_ns": "250000000",
    "warmup_max_ns": "8000000000",
    "samples_min": "50",
    "samples_min_ns": "1000000000",
    "samples_max_ns": "10000000000",
    "profile_runs": "20",
    "calibration_ns": "50000000",  # before and after: THROTTLED is judged by it
}
QUICK_JOB = {
    **STEADY_JOB,
    "warmup_min_ns": "100000000",
    "warmup_max_ns": "1000000000",
    "samples_min": "10",
    "samples_min_ns": "200000000",
    "samples_max_ns": "2000000000",
    "profile_runs": "5",
}
COUNTED_JOB = {"warmup_fixed": "2", "samples_fixed": "5", "profile_runs": "3"}  # a deterministic clock needs no more

USUAL_WARMUP_S = 3.4  # until the averages agree; the cold first inference stays in the slow one for some 200
USUAL_REST_S = 0.4  # loading twice, calibration kernel, host

DEFAULT_BLOCKS = {"nanoseconds": 5, "instructions": 2}


def job_settings(clock: Clock, *, quick: bool, samples_min: int | None, profile_runs: int | None) -> dict[str, str]:
    """The agent's settings shared by all trials on one clock."""
    settings = dict(COUNTED_JOB if clock == "instructions" else QUICK_JOB if quick else STEADY_JOB)
    if samples_min is not None:
        settings["samples_fixed" if clock == "instructions" else "samples_min"] = str(samples_min)
    if profile_runs is not None:
        settings["profile_runs"] = str(profile_runs)
    return settings


def cells_of(device: str, artifacts: Sequence[Artifact], threads: Sequence[int], cores: str) -> list[Cell]:
    """Every artifact at every thread count on one device; ids are unique and readable.

    Two different files of one name, format and precision are told apart by the start of their hash.
    """
    names = [f"{one.network}/{one.format}/{one.precision}" for one in artifacts]
    twins = {name for name, count in Counter(names).items() if count > 1}
    return [
        Cell(
            id=f"{device}/{name}{'#' + artifact.sha256[:8] if name in twins else ''}/t{count}",
            network=artifact.network,
            format=artifact.format,
            precision=artifact.precision,
            device=device,
            threads=count,
            cores=cores,
            artifact=artifact.sha256,
        )
        for (name, artifact), count in product(zip(names, artifacts, strict=True), threads)
    ]


def block_order(cells: Sequence[Cell], blocks: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Cell ids, block by block: each block visits every cell once, in its own seeded random order.

    Drift of the device then falls on all cells alike and not on the last ones (DESIGN.md section 4).
    """
    order = random.Random(seed)
    ids = [cell.id for cell in cells]
    return tuple(tuple(order.sample(ids, len(ids))) for _ in range(blocks))


def joined(left: Sequence[tuple[str, ...]], right: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Block by block the order of several devices; one may have more blocks than another."""
    return [a + b for a, b in zip_longest(left, right, fillvalue=())]


def trial_seconds(settings: dict[str, str], macs: int, threads: int) -> float:
    """A rough length of one trial in seconds, for estimates only: 10 GMAC/s a thread is assumed, and the usual warm-up
    and host time of 175 trials of seven networks (README.md, Figures).
    """
    inference = max(macs / (10e9 * threads), 20e-6)
    if "samples_fixed" in settings:
        counted = int(settings["warmup_fixed"]) + int(settings["samples_fixed"]) + int(settings["profile_runs"])
        return 40 * inference * counted + 2.0  # emulation is some 40 times slower
    warm = min(max(USUAL_WARMUP_S, 3 * inference), int(settings["warmup_max_ns"]) / 1e9)
    timed = max(int(settings["samples_min_ns"]) / 1e9, int(settings["samples_min"]) * inference)
    timed = min(timed, int(settings["samples_max_ns"]) / 1e9)
    return warm + timed + int(settings["profile_runs"]) * inference * 1.2 + USUAL_REST_S
