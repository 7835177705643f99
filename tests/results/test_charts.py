"""What a chart shows equals what was derived; labels can be read."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from foundation.artifact import Published
from foundation.errors import StorageError, UsageError
from results.cell_result import CellResult
from results.charts import latency_accuracy
from results.charts.kinds import KINDS, Request, Source, by_unit, kind
from results.charts.labels import overlap, place
from results.charts.style import save, styled
from results.derive import cells
from results.store import Evidence
from tests.results.synthetic import Effects, artifact, evidence

PAPERS = {"alpha": 71.8, "beta": 71.9, "gamma": 58.2}


def run(effects: Effects = Effects(), **made: object) -> Evidence:  # noqa: B008 - frozen
    artifacts = [
        artifact(name, format, precision, published=Published(top1=top1, source=f"paper of {name}"))
        for name, top1 in PAPERS.items()
        for format, precision in (("tflite", "fp32"), ("tflite", "int8"), ("onnx", "fp32"))
    ]
    return evidence(effects, [*artifacts, artifact("unknown")], **made)  # type: ignore[arg-type]


def request(found: Evidence, **restrictions: object) -> Request:
    (unit, sources), *_ = by_unit([Source(found, tuple(cells(found)))])
    return Request(sources, unit, **restrictions)  # type: ignore[arg-type]


def test_marks_are_the_derived_latencies_and_the_papers_accuracies() -> None:
    found = run()
    data = latency_accuracy.data(request(found))
    derived: dict[tuple[str, str, str], CellResult] = {(c.network, c.format, c.precision): c for c in cells(found)}
    assert len(data.marks) == 9
    for mark in data.marks:
        cell = derived[mark.network, mark.format, mark.precision]
        assert cell.latency is not None
        assert (mark.latency, mark.low, mark.high) == (cell.latency.median, cell.latency.low, cell.latency.high)
        assert mark.top1 == PAPERS[mark.network]
        assert mark.source == f"paper of {mark.network}"
    assert data.panels == (("local", "fp32"), ("local", "int8"))


def test_network_without_published_accuracy_is_named_and_not_drawn() -> None:
    data = latency_accuracy.data(request(run()))
    assert "unknown" not in {mark.network for mark in data.marks}
    assert data.left_out == ("unknown: no published accuracy",)


def test_invalid_cells_are_not_drawn() -> None:
    with pytest.raises(UsageError, match="FEW_SAMPLES"):
        latency_accuracy.data(request(run(Effects(samples=5))))


def test_run_without_any_accuracy_is_told() -> None:
    with pytest.raises(UsageError, match="no published accuracy"):
        latency_accuracy.data(request(evidence()))


def test_two_clocks_are_two_charts() -> None:
    both = [Source(found, tuple(cells(found))) for found in (run(), run(clock="instructions", run_id="b"))]
    parted = by_unit(both)
    assert [unit for unit, _ in parted] == ["ms", "instructions"]
    for unit, sources in parted:
        assert {cell.unit for source in sources for cell in source.results} == {unit}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chart_is_written_with_every_name_and_source(tmp_path: Path, theme: str) -> None:
    data = latency_accuracy.data(request(run(clock="nanoseconds")))
    with styled(theme):  # type: ignore[arg-type]
        png, svg = save(latency_accuracy.draw(data), tmp_path / "chart")
    assert png.read_bytes().startswith(b"\x89PNG")
    text = "".join(ElementTree.parse(svg).getroot().itertext())
    for name in PAPERS:
        assert f"{name} [" in text
        assert f"paper of {name}" in text
    assert "95 % interval" in text


def test_equal_data_gives_equal_svg(tmp_path: Path) -> None:
    data = latency_accuracy.data(request(run()))
    files = []
    for name in ("one", "two"):
        with styled():
            files.append(save(latency_accuracy.draw(data), tmp_path / name)[1].read_bytes())
    assert files[0] == files[1]


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with styled(), pytest.raises(StorageError, match="cannot write"):
        save(latency_accuracy.draw(latency_accuracy.data(request(run()))), tmp_path / "file" / "chart")


def test_labels_of_crowded_points_overlap_neither_each_other_nor_marks() -> None:
    random = np.random.default_rng(0)
    anchors = [(float(x), float(y)) for x, y in random.uniform(200, 500, (14, 2))]
    marks = [(x - 9, y - 9, x + 9, y + 9) for x, y in anchors]
    spots = place(anchors, [(110.0, 14.0)] * 14, marks, (0.0, 0.0, 800.0, 700.0), gap=12.0)
    boxes = [(spot.left, spot.bottom, spot.left + 110.0, spot.bottom + 14.0) for spot in spots]
    assert all(overlap(a, b) == 0 for a, b in itertools.combinations(boxes, 2))
    assert all(overlap(box, mark) == 0 for box in boxes for mark in marks)


def test_every_registered_kind_can_be_loaded() -> None:
    for name in KINDS:
        module = kind(name)
        assert callable(module.data)
        assert callable(module.draw)
    with pytest.raises(UsageError, match="no chart latncy"):
        kind("latncy")
