"""What each kind of chart draws equals what was derived; every kind draws in both themes."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from foundation.artifact import Published
from foundation.errors import UsageError
from results.charts import history as history_chart
from results.charts.kinds import KINDS, Request, Source, by_unit, kind
from results.charts.style import save, styled
from results.derive import cells
from results.history import HistoryPoint
from results.store import Evidence
from tests.results.predictions import predicted
from tests.results.synthetic import LAYERS, Effects, artifact, evidence

NETWORKS = {"mobilenet_v2": (10.0, 71.9), "squeezenet1_1": (12.0, 58.2), "shufflenet": (4.0, 69.4)}


def files_and_effects() -> tuple[list, list]:
    """Three networks, the second with more layers, as tflite fp32 and int8 (twice as fast)."""
    files, effects = [], []
    for index, (name, (latency, top1)) in enumerate(NETWORKS.items()):
        for precision, factor in (("fp32", 1.0), ("int8", 0.5)):
            layers = (*LAYERS[: 2 + index], *LAYERS)
            published = Published(top1=top1, source="paper")
            files.append(artifact(name, "tflite", precision, layers=layers, published=published))
            effects.append(Effects(latency_ns=latency * factor * 1e6, samples=40, disturbed_share=0.05))
    return files, effects


def run_with_probe() -> Evidence:
    """The three networks, on a device whose ceilings were probed."""
    files, effects = files_and_effects()
    made = evidence(effects, files)
    line = {
        "threads": 1,
        "fp32_macs_per_second": 2e10,
        "int8_macs_per_second": 8e10,
        "read_bytes_per_second": 1e10,
        "fp32_kernel": "neon",
        "int8_kernel": "sdot",
    }
    device = made.run.devices[0].model_copy(update={"texts": {"agent --probe 1": json.dumps(line)}})
    return dataclasses.replace(made, run=made.run.model_copy(update={"devices": (device,)}))


def soaked(latencies_ms: list[float]) -> Evidence:
    """One cell whose trials began 15 s apart with these latencies."""
    made = evidence(Effects(samples=12, trial_effect=0.0, sample_noise=0.0), blocks=len(latencies_ms))
    trials = []
    for index, (trial, latency) in enumerate(zip(made.trials, latencies_ms, strict=True)):
        start = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=15 * index)
        lines = list(trial.lines)
        samples = json.loads(lines[5])
        samples["wall_ns"] = [int(latency * 1e6)] * 12
        lines[5] = json.dumps(samples)
        trials.append(trial.model_copy(update={"started": start.isoformat(), "lines": tuple(lines)}))
    return dataclasses.replace(made, trials=tuple(trials))


def request(*runs: Evidence, **only: object) -> Request:
    return Request(tuple(Source(run, tuple(cells(run))) for run in runs), "ms", **only)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def measured() -> Evidence:
    return run_with_probe()


def test_macs_and_memory_draw_every_cell_with_its_latency_and_spearmans_rho(measured: Evidence) -> None:
    derived = {(c.network, c.precision): c for c in cells(measured)}
    # latencies 10, 12, 4 rank 2, 3, 1. Bytes rise from network to network: rho = 1 - 6 (1 + 1 + 4) / 24 = -0.5. The
    # last one's extra layer has no MACs, so MACs rank 1, 2.5, 2.5: deviations (-1, .5, .5) and (0, 1, -1) give 0.
    for name, cost, rho in (
        ("macs", lambda c: c.macs / 1e6, 0.0),
        ("memory", lambda c: c.memory_access_bytes / 1e6, -0.5),
    ):
        drawn = kind(name).data(request(measured))
        for line in drawn.lines:
            for point in line.points:
                cell = derived[point.network, line.series[1]]
                assert (point.cost, point.latency) == (cost(cell), cell.latency.median)
                assert (point.low, point.high) == (cell.latency.low, cell.latency.high)
            assert line.correlation == pytest.approx(rho, abs=1e-9)
        assert sum(len(line.points) for line in drawn.lines) == 6


def test_operators_stand_end_to_end_and_types_sum_to_the_same_time(measured: Evidence) -> None:
    drawn = kind("operators").data(request(measured, network="squeezenet1_1", precision="fp32"))
    assert [step.start for step in drawn.steps] == pytest.approx(
        np.cumsum([0.0, *[step.time for step in drawn.steps]])[:-1]
    )
    assert sum(time for _, time, _ in drawn.by_type) == pytest.approx(sum(step.time for step in drawn.steps))
    assert sum(count for *_, count in drawn.by_type) == len(LAYERS) + 3
    # 12 ms, 5 % profiling overhead, 97 % of it in operators
    assert sum(step.time for step in drawn.steps) == pytest.approx(12 * 1.05 * 0.97, rel=0.03)
    assert [time for _, time, _ in drawn.by_type] == sorted((t for _, t, _ in drawn.by_type), reverse=True)


def test_roofline_places_operators_by_their_own_macs_bytes_and_time(measured: Evidence) -> None:
    drawn = kind("roofline").data(request(measured, network="mobilenet_v2", precision="int8"))
    first = drawn.marks[0]
    assert first.intensity == pytest.approx(LAYERS[0][2] / sum(LAYERS[0][3:6]))
    total_ns = first.macs_per_second and LAYERS[0][2] / first.macs_per_second * 1e9 / first.share
    assert total_ns == pytest.approx(5e6 * 1.05 * 0.97, rel=0.03)
    assert drawn.ceilings.macs_per_second("int8") == 8e10
    assert drawn.ceilings.macs_per_second("fp16") == 2e10
    assert sum(mark.share for mark in drawn.marks) + drawn.unplaced == pytest.approx(1.0)


def test_a_run_without_a_probe_has_a_roofline_without_a_roof() -> None:
    drawn = kind("roofline").data(request(evidence()))
    assert drawn.ceilings is None
    with styled():
        assert "no ceilings" in " ".join(text.get_text() for text in kind("roofline").draw(drawn).texts)


def test_speed_up_is_fp32_over_int8_from_the_blocks_of_both(measured: Evidence) -> None:
    drawn = kind("speedup").data(request(measured))
    assert {one.network for one in drawn.speedups} == set(NETWORKS)
    for one in drawn.speedups:
        assert one.low <= 2.0 <= one.high or one.ratio == pytest.approx(2.0, rel=0.02)
    trials = {
        cell.precision: [trial.latency for trial in cell.trial_latencies]
        for cell in cells(measured)
        if cell.network == "shufflenet"
    }
    expected = np.exp(np.mean(np.log(np.array(trials["fp32"]) / np.array(trials["int8"]))))
    [mine] = [one for one in drawn.speedups if one.network == "shufflenet"]
    assert mine.ratio == pytest.approx(expected)


def test_one_network_across_devices_has_a_row_a_device_the_fastest_first(measured: Evidence) -> None:
    files, effects = files_and_effects()
    slow = evidence([dataclasses.replace(e, latency_ns=3 * e.latency_ns) for e in effects], files, device="pi")
    drawn = kind("devices").data(request(slow, measured, network="shufflenet"))
    assert drawn.rows == ("local, 1 thr.", "pi, 1 thr.")
    assert len(drawn.marks) == 4
    with pytest.raises(UsageError, match="3 networks"):
        kind("devices").data(request(slow, measured))


def test_samples_are_all_drawn_trial_by_trial_with_the_disturbed_marked(measured: Evidence) -> None:
    drawn = kind("samples").data(request(measured, network="mobilenet_v2", precision="fp32"))
    assert [strip.block for strip in drawn.strips] == [0, 1, 2, 3, 4]
    result = next(c for c in cells(measured) if (c.network, c.precision) == ("mobilenet_v2", "fp32"))
    assert [strip.figure for strip in drawn.strips] == pytest.approx([t.latency for t in result.trial_latencies])
    assert [sum(strip.disturbed) for strip in drawn.strips] == [t.disturbed for t in result.trial_latencies]
    kept = [s for s, d in zip(drawn.strips[0].samples, drawn.strips[0].disturbed, strict=True) if not d]
    assert np.median(kept) == pytest.approx(drawn.strips[0].figure)


def test_sustained_latency_is_the_median_of_each_minute_and_names_the_minute_it_leaves() -> None:
    run = soaked([10.0, 10.1, 9.9, 10.0] * 2 + [12.0, 12.1, 11.9, 12.0])
    drawn = kind("sustained").data(request(run))
    assert [(minute.minute, minute.median) for minute in drawn.course.minutes] == [
        (0, pytest.approx(10.0)),
        (1, pytest.approx(10.0)),
        (2, pytest.approx(12.0)),
    ]
    assert drawn.course.left_at == 2
    assert [x for x, _ in drawn.points] == pytest.approx([0.25 * index for index in range(12)])


def test_trials_within_one_minute_have_no_course() -> None:
    with pytest.raises(UsageError, match="two minutes") as raised:
        kind("sustained").data(request(soaked([10.0, 10.0])))
    assert "bench soak" in raised.value.hint


def test_the_front_of_the_main_chart_holds_whoever_nobody_dominates(measured: Evidence) -> None:
    drawn = kind("latency-accuracy").data(request(measured))
    on_front = {(mark.network, mark.precision) for mark in drawn.marks if mark.on_front}
    # squeezenet is slower and less accurate than both others; panels by precision apart
    assert on_front == {(name, p) for name in ("mobilenet_v2", "shufflenet") for p in ("fp32", "int8")}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_draws_in_both_themes(name: str, theme: str, measured: Evidence, tmp_path: Path) -> None:
    one = {"network": "mobilenet_v2", "precision": "fp32"}
    only: dict[str, dict[str, object]] = {"operators": one, "roofline": one, "samples": one, "devices": one}
    run = {"sustained": soaked([10.0] * 8), "latency-measured": predicted(measured)}.get(name, measured)
    module = kind(name)
    with styled(theme):  # type: ignore[arg-type]
        figure = module.draw(module.data(request(run, **only.get(name, {}))))
        png, svg = save(figure, tmp_path / name)
    assert png.stat().st_size > 10_000
    assert ("#14171a" if theme == "dark" else "#ffffff") in svg.read_text()


@pytest.mark.parametrize("name", ["operators", "roofline", "samples"])
def test_a_chart_of_one_cell_names_the_options_that_leave_one(name: str, measured: Evidence) -> None:
    with pytest.raises(UsageError, match="6 cells fit") as raised:
        kind(name).data(request(measured))
    assert "--precision fp32|int8" in raised.value.hint


@pytest.mark.parametrize("name", KINDS)
def test_a_run_with_only_invalid_cells_is_one_message(name: str) -> None:
    empty = dataclasses.replace(evidence(), trials=())
    with pytest.raises(UsageError):
        kind(name).data(request(empty))


def test_two_clocks_are_parted_before_anything_is_drawn(measured: Evidence) -> None:
    board = evidence(Effects(samples=5), clock="instructions", device="emulator", blocks=2)
    sources = [Source(run, tuple(cells(run))) for run in (measured, board)]
    parted = by_unit(sources)
    assert [(unit, len(mine)) for unit, mine in parted] == [("ms", 1), ("instructions", 1)]
    with pytest.raises(UsageError, match="no rate"):
        kind("roofline").data(Request(parted[1][1], "instructions"))


def point(run: str, latency: float | None, **changes: object) -> HistoryPoint:
    fields: dict[str, object] = {
        **dict.fromkeys(("run", "started"), run),
        **{"network": "mobilenet_v2", "format": "tflite", "precision": "fp32", "device": "local", "cores": "any"},
        **{"threads": 1, "unit": "ms", "latency": latency, "low": None, "high": None, "verdict": "valid"},
        **{"reasons": "", "pocketbench": "0.1.0", "commit": None, "runtime": None, "sha256": "0" * 64},
    }
    return HistoryPoint(**{**fields, **changes})  # type: ignore[arg-type]


def test_history_draws_one_line_a_cell_over_the_runs_in_order() -> None:
    points = [point("a", 10.0), point("b", 11.0), point("b", 5.0, precision="int8"), point("c", None)]
    drawn = history_chart.data(points)
    assert drawn.runs == ("a", "b")
    assert {course.name: course.points for course in drawn.courses} == {
        "tflite fp32": ((0, 10.0, None, None), (1, 11.0, None, None)),
        "tflite int8": ((1, 5.0, None, None),),
    }
    with styled():
        history_chart.draw(drawn)
    with pytest.raises(UsageError, match="milliseconds and instructions"):
        history_chart.data([*points, point("d", 5e7, unit="instructions")])
