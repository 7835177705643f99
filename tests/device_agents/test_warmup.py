"""The warm-up rule against a second reading of DESIGN.md section 6, on made-up and on measured series.

Warm-up ends when the fast moving average (0.1) stays within 4 % of the slow one (0.005) for 40 inferences or 2 s of
them, whichever is less, after at least 3 inferences and 250 ms; it gives up after 8 s.
"""

import subprocess
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from device_agents.build import SOURCES, compile_program
from device_agents.targets import own_target
from results.evidence import Warmup
from tests.device_agents.agent_runs import measure
from tests.device_agents.tiny_models import conv_onnx

MS = 1_000_000
RULE = (3, 250 * MS, 8_000 * MS)
RANDOM = np.random.default_rng(11)


def expected_end(series: list[int], least: int, least_ns: int, most_ns: int) -> tuple[int, int]:
    """After how many inferences warm-up ends, and whether the averages settled; (0, 0) when it does not end."""
    first = float(series[0])
    fast = list(accumulate(series[1:], lambda mean, x: 0.9 * mean + 0.1 * x, initial=first))
    slow = list(accumulate(series[1:], lambda mean, x: 0.995 * mean + 0.005 * x, initial=first))
    totals = list(accumulate(series))
    since = 0  # the last inference at which the averages were apart; the first has nothing to be compared with
    for i in range(len(series)):
        since = i if i == 0 or abs(fast[i] / slow[i] - 1) > 0.04 else since
        long_enough = i - since >= 40 or totals[i] - totals[since] >= 2_000 * MS
        if long_enough and i + 1 >= least and totals[i] >= least_ns:
            return i + 1, 1
        if totals[i] >= most_ns:
            return i + 1, 0
    return 0, 0


def series() -> Iterator[tuple[str, list[int]]]:
    """Durations in nanoseconds of networks that behave in different ways."""
    yield "even", [10 * MS] * 1000
    yield "tiny", [20_000] * 400_000
    yield "slow", [400 * MS] * 100
    yield "very slow", [5_000 * MS] * 10
    yield "one outlier", [10 * MS] * 20 + [300 * MS] + [10 * MS] * 1000
    yield "first slow", [90 * MS] + [10 * MS] * 2000
    yield "drifting", [int(10 * MS * 1.003**i) for i in range(700)]
    yield "alternating", [10 * MS, 40 * MS] * 500
    yield "stepping down", [20 * MS] * 30 + [10 * MS] * 1500
    yield "too few", [10 * MS] * 30
    for noise in (0.01, 0.1, 0.3):
        yield f"noise {noise}", [int(x) for x in 12 * MS * RANDOM.lognormal(0, noise, 1500)]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rule alone as a program."""
    program = tmp_path_factory.mktemp("warmup") / "driver"
    sources = [Path(__file__).parent / "native" / "warmup_driver.cc", SOURCES / "warmup.cc"]
    compile_program(sources, program, own_target(), include=SOURCES)
    return program


@pytest.mark.parametrize("rule", [RULE, (3, 100 * MS, 1_000 * MS), (100, 0, 8_000 * MS)])
@pytest.mark.parametrize("durations", [pytest.param(values, id=name) for name, values in series()])
def test_rule_ends_where_the_design_says(driver: Path, durations: list[int], rule: tuple[int, int, int]) -> None:
    text = "\n".join(map(str, durations))
    said = subprocess.run([driver, *map(str, rule)], input=text, capture_output=True, text=True, check=True).stdout
    assert tuple(map(int, said.split())) == expected_end(durations, *rule)


def test_agent_stops_warming_up_at_the_rules_inference(tmp_path: Path) -> None:
    rule = {"warmup_fixed": 0, "warmup_min": 5, "warmup_min_ns": 30 * MS, "warmup_max_ns": 1_000 * MS}
    warmup = measure(tmp_path, conv_onnx(repeats=10), "onnx", **rule, profile_runs=0).one(Warmup)
    assert (len(warmup.wall_ns), warmup.steady) == expected_end(list(warmup.wall_ns), 5, 30 * MS, 1_000 * MS)


def test_agent_says_when_it_gave_up(tmp_path: Path) -> None:
    rule = {"warmup_fixed": 0, "warmup_min": 10**9, "warmup_max_ns": 50 * MS}
    warmup = measure(tmp_path, conv_onnx(repeats=10), "onnx", **rule, profile_runs=0).one(Warmup)
    assert not warmup.steady
    assert sum(warmup.wall_ns) >= 50 * MS > sum(warmup.wall_ns[:-1])
