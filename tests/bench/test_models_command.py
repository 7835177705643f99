"""`bench models` and `bench describe`, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.main import register_commands, run
from foundation.errors import Exit

register_commands()


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKETBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_models_as_json_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "squeezenet1_1,mobilenet_v2", "--json"]) == Exit.OK
    first, second = json.loads(capsys.readouterr().out)
    assert set(first) == {"name", "family", "input_size", "params", "macs", "weights", "published"}
    assert set(first["published"]) == {"params", "macs", "top1", "source"}
    assert (first["name"], second["name"]) == ("squeezenet1_1", "mobilenet_v2")
    assert second["params"] == 3_504_872
    assert second["weights"]["kind"] == "random"


def test_models_table_fits_100_columns_and_names_families(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "first_light"]) == Exit.OK
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 100
    assert {"mobilenet", "shufflenet", "squeezenet", "efficientnet_lite"} <= {line.strip() for line in printed}
    assert sum("3,504,872" in line for line in printed) == 1


def test_an_unknown_network_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "mobilnet_v2"]) == Exit.USAGE
    assert "did you mean mobilenet_v2" in capsys.readouterr().err


def test_describe_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", "mobilenet_v2", "--json"]) == Exit.OK
    described = json.loads(capsys.readouterr().out)
    assert described["params"] == sum(layer["params"] for layer in described["layers"]) == 3_504_872
    assert described["macs"] == sum(layer["macs"] for layer in described["layers"]) == 300_774_272


def test_describe_table_fits_100_columns_and_draws_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tmp_path / "layers.svg"
    assert run(["describe", "shufflenet_v2_x1_0", "--chart", str(chart)]) == Exit.OK
    printed = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in printed if str(chart) not in line) <= 100
    drawn = chart.read_text()
    assert drawn.count("<path") > 100
    assert "memory access cost" in drawn


def test_a_chart_that_cannot_be_written_is_found_before_counting(tmp_path: Path) -> None:
    assert run(["describe", "mobilenet_v2", "--chart", str(tmp_path / "nowhere" / "a.png")]) == Exit.STORAGE
    assert run(["describe", "mobilenet_v2", "--chart", str(tmp_path / "a.gif")]) == Exit.USAGE
