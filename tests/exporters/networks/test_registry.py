"""Finding networks by name, variant, family, glob and tag."""

from __future__ import annotations

import pytest

from exporters.networks.registry import resolve, select
from foundation.errors import UsageError

FIRST_LIGHT = {
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "efficientnet_lite0",
}


def names(*patterns: str) -> list[str]:
    return [network.name for network in select(patterns)]


def test_a_variant_changes_width_and_resolution() -> None:
    network = resolve("mobilenet_v2_w0.5_r192")
    assert (network.name, network.input_shape) == ("mobilenet_v2_w0.5_r192", (3, 192, 192))
    assert network.preprocessing is not None
    assert network.preprocessing.size == 192
    assert (
        sum(parameter.numel() for parameter in network.architecture().parameters()) == 1_968_680
    )  # timm mobilenetv2_050


def test_a_variant_of_other_layers_does_not_keep_the_published_weights_or_accuracy() -> None:
    assert resolve("efficientnet_lite0").weights.kind == "pretrained"
    assert resolve("efficientnet_lite0_r192").weights.kind == "pretrained"
    assert resolve("mobilenet_v3_large_nose").weights.kind == "random"
    assert resolve("mobilenet_v3_large_nose").published is None
    assert resolve("efficientnet_lite0_r192").published is None


def test_first_light_is_the_seven_networks() -> None:
    assert set(names("first_light")) == FIRST_LIGHT


def test_all_is_every_mobile_network_once() -> None:
    chosen = names("all")
    assert set(chosen) > FIRST_LIGHT
    assert not set(chosen) & set(names("baselines"))
    assert {resolve(name).family for name in chosen} >= {"ghostnet", "mnasnet", "efficientnet", "shufflenet"}


def test_a_family_gives_default_sizes_and_a_glob_gives_variants_too() -> None:
    assert names("shufflenet") == [
        "shufflenet_v1",
        "shufflenet_v2_x0_5",
        "shufflenet_v2_x1_0",
        "shufflenet_v2_x1_5",
        "shufflenet_v2_x2_0",
    ]
    assert "shufflenet_v1_g8" in names("shufflenet_v1*")


def test_a_network_chosen_twice_comes_once() -> None:
    assert names("mobilenet_v2", "mobilenet_v[12]", "mobilenet_v2") == ["mobilenet_v2", "mobilenet_v1"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mobilenet_v2_w9", "width 9 is outside its range"),
        ("mobilenet_v2_w0.1", "width 0.1 is outside its range"),
        ("mobilenet_v1_r96", "resolution 96 is outside its range"),
        ("mobilenet_v1_r192.5", "is no whole number"),
        ("shufflenet_v1_g5", "groups 5 does not exist"),
        ("se_resnet50_ratio7", "reduction 7 does not exist"),
    ],
)
def test_a_variant_outside_its_range_is_refused_with_what_is_allowed(name: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(name)
    assert says in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("mobilnet_v2", "mobilenet_v2"), ("mobilenet_v2_nose", "mobilenet_v2"), ("shuflenet", "shufflenet")],
)
def test_an_unknown_network_is_refused_with_the_nearest_names(name: str, nearest: str) -> None:
    with pytest.raises(UsageError) as refused:
        select([name])
    assert nearest in refused.value.hint


def test_a_glob_that_matches_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no network matches"):
        select(["densenet*"])
