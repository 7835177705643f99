"""The tiny network's artifacts, exported once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.service import Exported, Failed, Request, ensure
from tests.exporters.artifacts import HOLE, REQUESTS, Artifacts, digest_once


@pytest.fixture(scope="session")
def tiny_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache that holds the tiny artifacts; a test that uses it sets POCKETBENCH_CACHE to it."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_artifacts(tiny_cache: Path) -> Artifacts:
    """(network, format, precision) -> artifact, for every format and precision of the tiny network."""
    requests = [*REQUESTS, Request(HOLE, "tflite", "fp32")]
    made: dict[tuple[str, str, str], Exported] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKETBENCH_CACHE", str(tiny_cache))
        patch.setattr("exporters.service.definition_digest", digest_once)
        for request, result in zip(requests, ensure(requests, jobs=2), strict=True):
            assert not isinstance(result, Failed), result
            made[request.network, request.format, request.precision] = result
    return made
