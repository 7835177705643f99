"""Networks from torchvision, timm and a user's own function."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from exporters.networks.registry import resolve
from foundation.errors import PocketbenchError, UsageError

USERS = """
from torch import nn
def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 2))
small.input_size = 32
def broken():
    raise RuntimeError("no such layer")
def text():
    return "a network"
value = 3
"""


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "users_networks.py").write_text(USERS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_networks", raising=False)
    return "users_networks"


def test_a_function_of_the_users_gives_a_network_with_its_own_weights(users: str) -> None:
    network = resolve(f"{users}:small")
    assert (network.input_shape, network.weights.kind) == ((3, 32, 32), "user")
    assert network.build().training is False


@pytest.mark.parametrize(
    ("attribute", "says"),
    [("broken", "raised RuntimeError: no such layer"), ("text", "returned a str"), ("value", "has no function value")],
)
def test_a_function_that_raises_or_gives_no_network_is_one_clear_error(users: str, attribute: str, says: str) -> None:
    with pytest.raises(PocketbenchError, match=says):
        resolve(f"{users}:{attribute}").build()


def test_a_module_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="no module nowhere"):
        resolve("nowhere:network")


def test_torchvision_network_that_we_do_not_define() -> None:
    network = resolve("torchvision:resnet34")
    assert sum(parameter.numel() for parameter in network.architecture().parameters()) == 21_797_672  # its metadata


def test_an_unknown_name_of_a_library_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as refused:
        resolve("torchvision:resnet35")
    assert "resnet34" in refused.value.hint
