"""--cores: which cores are meant, from what the device says of itself."""

from __future__ import annotations

import pytest

from foundation.errors import UsageError
from results.device_state.core_groups import CoreGroups, Group, chosen_cores, core_groups, default_cores
from results.device_state.cpuinfo import CpuInfo, parse_core_list, parse_cpuinfo

PIXEL6 = core_groups(
    {0: 160, 1: 160, 2: 160, 3: 160, 4: 498, 5: 498, 6: 1024, 7: 1024}, {}, CpuInfo(cores=()), tuple(range(8))
)
PI4 = core_groups(dict.fromkeys(range(4), 1024), dict.fromkeys(range(4), 1500000), CpuInfo(cores=()), (0, 1, 2, 3))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("big", "6-7"),
        ("little", "0-3"),
        ("all", "0-7"),
        ("any", "any"),
        ("0xf0", "4-7"),
        ("0x81", "0,7"),
        ("4-7,2", "2,4-7"),
        ("3", "3"),
    ],
)
def test_cores_of_a_phone_with_three_kinds(asked: str, expected: str) -> None:
    assert chosen_cores(asked, PIXEL6) == expected


def test_default_keeps_to_the_biggest_cores_where_cores_differ() -> None:
    assert default_cores(PIXEL6) == "6-7"
    assert default_cores(PI4) == "any"
    assert chosen_cores("big", PI4) == "0-3"


@pytest.mark.parametrize("asked", ["huge", "", "0x0", "0xzz", "7-4", "1;2", "-1"])
def test_words_that_mean_nothing_are_refused(asked: str) -> None:
    with pytest.raises(UsageError, match="--cores") as error:
        chosen_cores(asked, PIXEL6)
    assert error.value.hint == "its cores are 0-7, big 6-7, little 0-3"


def test_core_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="has no core 8-9"):
        chosen_cores("7-9", PIXEL6)


def test_offline_cores_belong_to_no_group() -> None:
    groups = core_groups({core: 1024 if core > 3 else 250 for core in range(8)}, {}, CpuInfo(cores=()), (0, 1, 2, 3, 4))
    assert groups.big == (4,)


def test_capacity_of_some_cores_only_leaves_it_to_the_frequency() -> None:
    frequency = {0: 1800000, 1: 1800000, 2: 2400000, 3: 2400000}
    groups = core_groups({0: 500}, frequency, CpuInfo(cores=()), (0, 1, 2, 3))
    assert (groups.source, groups.big) == ("frequency", (2, 3))


def test_favoured_cores_of_an_x86_processor_are_no_kind_of_their_own() -> None:
    text = "".join(f"processor : {core}\nmodel name : Some CPU\n\n" for core in range(4))
    frequency = {0: 5_100_000, 1: 5_100_000, 2: 5_300_000, 3: 5_300_000}
    assert not core_groups({}, frequency, parse_cpuinfo(text), None).differ
    hybrid = {0: 5_100_000, 1: 5_300_000, 2: 3_900_000, 3: 3_900_000}
    assert core_groups({}, hybrid, parse_cpuinfo(text), None).big == (0, 1)


def test_device_that_tells_nothing_is_free() -> None:
    nothing = core_groups({}, {}, CpuInfo(cores=()), None)
    assert nothing == CoreGroups(groups=(), source="none")
    assert default_cores(nothing) == "any"
    assert chosen_cores("big", nothing) == "any"


def test_unknown_design_keeps_all_cores_together() -> None:
    text = "".join(f"processor : {core}\nCPU implementer : 0x99\nCPU part : 0x{core}\n\n" for core in range(4))
    assert core_groups({}, {}, parse_cpuinfo(text), None).groups == (Group(cores=(0, 1, 2, 3), value=None),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-3,6", (0, 1, 2, 3, 6)),
        ("", ()),
        ("\n", ()),
        ("2", (2,)),
        ("0-x", None),
        ("No such file", None),
        (None, None),
    ],
)
def test_core_lists(text: str | None, expected: tuple[int, ...] | None) -> None:
    assert parse_core_list(text) == expected
