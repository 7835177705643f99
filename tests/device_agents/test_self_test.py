"""Libraries that pretend to be a runtime: found out before anything is measured, even when they crash."""

from pathlib import Path

import pytest

from device_agents.build import SOURCES, compile_program
from device_agents.targets import own_target
from tests.device_agents.agent_runs import measure
from tests.device_agents.tiny_models import conv_onnx

SOURCE = Path(__file__).parent / "native" / "pretended_onnxruntime.cc"


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("CRASHES", "SELF_TEST", "crashed"),
        ("TOO_OLD", "LIBRARY", "onnxruntime 1.2.3 is older"),
    ],
)
def test_library_that_is_not_as_declared_is_found_out(tmp_path: Path, fault: str, code: str, message: str) -> None:
    library = tmp_path / "libonnxruntime.so"
    flags = (f"-D{fault}", "-fPIC")
    compile_program([SOURCE], library, own_target(), flags=flags, link_flags=("-shared",), include=SOURCES)
    answer = measure(tmp_path, conv_onnx(), "onnx", library=library)
    assert answer.error.code == code
    assert message in answer.error.message
    assert [line.kind for line in answer.lines] == ["error"]


def test_self_test_header_is_what_its_script_writes() -> None:
    from device_agents.agent.self_test_models import header

    assert (SOURCES / "self_test_models.h").read_text() == header()
