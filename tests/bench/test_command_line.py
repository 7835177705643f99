"""A wrong command line is one message and exit code 2, never a traceback."""

from __future__ import annotations

import pytest

from bench.main import register_commands, run

register_commands()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "frobnicate"),
        (["show", "--nosuch"], "--nosuch"),
        (["run", "--trials", "three"], "integer"),
        (["run", "--formats", "caffe"], "caffe"),
        (["run", "--plan", "no/such/plan.toml"], "no/such/plan.toml"),
        (["run", "--device", "nosuch", "--models", "a.onnx", "--dry-run"], "nosuch"),
    ],
)
def test_a_wrong_command_line_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert "Traceback" not in printed.err


def test_a_defect_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("one by none")

    monkeypatch.setattr("bench.options.load_plan", broken)
    assert run(["run", "--plan", "x.toml"]) == 70
    assert "one by none" in capsys.readouterr().err
