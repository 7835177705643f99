"""Scores from predictions: arithmetic on the page, and how they are named and drawn."""

from __future__ import annotations

import dataclasses
import math

import pytest

from foundation.artifact import Published
from foundation.errors import UsageError
from results.accuracy import Score, scores
from results.accuracy_evidence import Comparison
from results.accuracy_store import AccuracyEvidence
from results.charts.kinds import Request, Source, kind
from results.derive import cells
from results.store import Evidence
from tests.results.predictions import RIGHT, SECOND, WRONG, plan_of, predicted, shard_of
from tests.results.synthetic import Effects, artifact, evidence


@pytest.fixture(scope="module")
def run() -> Evidence:
    published = Published(top1=75.1, source="paper")
    files = [artifact("lite", "tflite", p, published=published) for p in ("fp32", "int8")]
    effects = [Effects(latency_ns=8e6, samples=40), Effects(latency_ns=4e6, samples=40), Effects(samples=40)]
    return evidence(effects, [*files, artifact("mobile", "tflite", "fp32")])


def score_of(run: Evidence, pictures: int, *shards: object) -> Score:
    """The score of the run's first cell from shards of it."""
    cell = run.run.cells[0]
    (score,) = scores(AccuracyEvidence(plan_of(run, pictures, [cell]), tuple(shards)))  # type: ignore[arg-type]
    return score


def test_top1_counts_first_classes_and_top5_any_of_five(run: Evidence) -> None:
    cell = run.run.cells[0].id
    score = score_of(run, 4, shard_of(cell, 0, [RIGHT, SECOND]), shard_of(cell, 2, [WRONG, RIGHT]))
    assert (score.top1, score.top5, score.pictures, score.correct) == (0.5, 0.75, 4, 2)


def test_interval_is_wilsons(run: Evidence) -> None:
    """81 right of 263: (0.2553, 0.3662), Newcombe, Statistics in Medicine 1998, table I, method 3."""
    score = score_of(run, 263, shard_of(run.run.cells[0].id, 0, [RIGHT] * 81 + [WRONG] * 182))
    assert (round(score.top1_low, 4), round(score.top1_high, 4)) == (0.2553, 0.3662)


def test_skipped_pictures_are_no_wrong_answers(run: Evidence) -> None:
    shard = shard_of(run.run.cells[0].id, 0, [RIGHT, RIGHT], count=3, skipped={1: "1.jpg is animated"})
    score = score_of(run, 3, shard)
    assert (score.top1, score.pictures, score.skipped, score.complete) == (1.0, 2, 1, True)


def test_an_evaluation_that_was_cut_short_says_so(run: Evidence) -> None:
    assert not score_of(run, 5, shard_of(run.run.cells[0].id, 0, [RIGHT, WRONG])).complete


def test_agreement_and_sqnr_are_of_all_compared_pictures_together(run: Evidence) -> None:
    """3 of 4 first classes are the float network's; 10 log10(110 / 1.1) = 20 dB."""
    cell = run.run.cells[0].id
    first = shard_of(cell, 0, [RIGHT, WRONG], comparison=Comparison(top1=(7, 0), signal=100.0, error=1.0))
    second = shard_of(cell, 2, [WRONG, WRONG], comparison=Comparison(top1=(0, 7), signal=10.0, error=0.1))
    score = score_of(run, 4, first, second)
    assert (score.agreement, score.compared) == (0.75, 4)
    assert score.sqnr_db is not None
    assert math.isclose(score.sqnr_db, 20.0)


def test_the_devices_waiting_is_a_share_of_its_own_time(run: Evidence) -> None:
    """Two shards of 10 ms, 1 ms of each waiting, 5 pictures: 10 %, 250 pictures a second."""
    cell = run.run.cells[0].id
    score = score_of(run, 5, shard_of(cell, 0, [RIGHT] * 3), shard_of(cell, 3, [RIGHT] * 2))
    assert (score.waiting_share, score.pictures_per_s) == (pytest.approx(0.1), pytest.approx(250.0))


def test_instructions_are_no_time_to_wait_in() -> None:
    board = predicted(evidence(Effects(samples=5), clock="instructions", device="emulator", blocks=2))
    assert board.accuracy is not None
    (score,) = scores(board.accuracy)
    assert (score.waiting_share, score.pictures_per_s) == (None, None)


def test_a_cell_carries_the_score_of_its_own_file(run: Evidence) -> None:
    first, second, _ = (cell.id for cell in run.run.cells)
    results = {cell.id: cell.accuracy for cell in cells(predicted(run, {first: 16, second: 14}))}
    found = {name: score and score.top1 for name, score in results.items()}
    assert found == {first: 0.8, second: 0.7, run.run.cells[2].id: None}


def test_a_score_is_named_with_its_data_set_and_its_number_of_pictures(run: Evidence) -> None:
    score = score_of(run, 2, shard_of(run.run.cells[0].id, 0, [RIGHT, RIGHT]))
    assert score.label == "top-1 on pictures (2 pictures)"


def drawn(found: Evidence) -> object:
    return kind("latency-measured").data(Request((Source(found, tuple(cells(found))),), "ms"))


def test_published_accuracy_never_shares_an_axis_with_other_pictures(run: Evidence) -> None:
    only_fp32 = {run.run.cells[0].id: 15}
    data = drawn(predicted(run, only_fp32))
    assert [(mark.precision, mark.measured) for mark in data.marks] == [("fp32", True)]  # type: ignore[attr-defined]
    assert {stray.network for stray in data.strays} == {"lite", "mobile"}  # type: ignore[attr-defined]


def test_published_accuracy_is_hollow_beside_imagenets_validation_pictures(run: Evidence) -> None:
    data = drawn(predicted(run, {run.run.cells[0].id: 15}, validation=True))
    marks = {(mark.network, mark.precision): mark for mark in data.marks}  # type: ignore[attr-defined]
    assert marks["lite", "fp32"].measured
    hollow = marks["lite", "int8"]
    assert (hollow.measured, hollow.top1, hollow.top1_low) == (False, pytest.approx(75.1), pytest.approx(75.1))


def test_a_mark_has_intervals_both_ways(run: Evidence) -> None:
    data = drawn(predicted(run, {run.run.cells[0].id: 15}))
    (mark,) = data.marks  # type: ignore[attr-defined]
    assert mark.low < mark.latency < mark.high
    assert mark.top1_low < mark.top1 == 75.0 < mark.top1_high


def test_a_run_without_predictions_names_the_option_that_makes_them(run: Evidence) -> None:
    with pytest.raises(UsageError) as raised:
        drawn(dataclasses.replace(run, accuracy=None))
    assert "--accuracy" in raised.value.hint


def test_chart_of_cells_without_a_latency_names_what_kept_them_from_one() -> None:
    found = predicted(evidence([Effects(disturbed_share=1.0)], [artifact("lite", "tflite", "fp32")]))
    with pytest.raises(UsageError, match=r"lite tflite fp32: .*CONTENDED"):
        kind("latency-measured").data(Request((Source(found, tuple(cells(found))),), "ms"))
