"""Real networks through the exporters: MACs of the paper, one partition, no stray transposes, int8 that holds up."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.service import PRECISIONS, Exported, Request, ensure
from foundation.artifact import Artifact, Format, Precision

FIRST_LIGHT = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "efficientnet_lite0",
)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, Format, Precision], Artifact]:
    """The seven networks in the five default forms."""
    wanted = [
        Request(network, format, precision)
        for network in FIRST_LIGHT
        for format, precisions in PRECISIONS.items()
        for precision in precisions
    ]
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKETBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        for request, one in zip(wanted, ensure(wanted), strict=True):
            assert isinstance(one, Exported), one
            found[request.network, request.format, request.precision] = one.artifact
    return found


Artifacts = dict[tuple[str, Format, Precision], Artifact]


def test_mobilenet_v2_has_the_macs_of_an_exact_count_in_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """300,774,272: torch's FlopCounterMode halved, on torchvision's network."""
    monkeypatch.setenv("POCKETBENCH_CACHE", str(tmp_path))
    (one,) = ensure([Request("mobilenet_v2", "onnx", "fp32")])
    assert isinstance(one, Exported), one
    assert one.artifact.macs == 300_774_272
    assert one.artifact.params == 3_504_872


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_both_formats_count_the_macs_of_mobilenet_v2(artifacts: Artifacts, precision: Precision) -> None:
    assert artifacts["mobilenet_v2", "onnx", precision].macs == 300_774_272
    assert artifacts["mobilenet_v2", "tflite", precision].macs == 300_774_272


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("network", FIRST_LIGHT)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_tflite_file_is_one_partition(artifacts: Artifacts, network: str, precision: Precision) -> None:
    delegation = artifacts[network, "tflite", precision].delegation
    assert delegation is not None
    assert (delegation.partitions, delegation.undelegated) == (1, ())
    assert delegation.transposes <= (17 if network.startswith("shufflenet") else 0)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("network", FIRST_LIGHT)
@pytest.mark.parametrize("format", ["onnx", "tflite"])
def test_float_files_answer_as_the_network_does(artifacts: Artifacts, network: str, format: Format) -> None:
    agreement = artifacts[network, format, "fp32"].agreement
    assert agreement is not None
    assert agreement.top1 == 1
    assert agreement.sqnr_db is None or agreement.sqnr_db > 80


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("network", ["efficientnet_lite0", "squeezenet1_1"])
@pytest.mark.parametrize("format", ["onnx", "tflite"])
def test_int8_of_trained_weights_holds_up(artifacts: Artifacts, network: str, format: Format) -> None:
    agreement = artifacts[network, format, "int8"].agreement
    assert agreement is not None
    assert agreement.sqnr_db is not None
    assert agreement.sqnr_db >= 14
    assert agreement.top1 >= 0.95
