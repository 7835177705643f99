"""The plan: interleaved blocks, unique cells, jobs that say what the agent must know."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.job import job_text, runtime_options
from bench.options import Options, listed, load_plan, merged
from bench.plan import block_order, cells_of, job_settings, joined
from foundation.artifact import Artifact, Tensor, Weights
from foundation.errors import UsageError


def artifact(network: str, sha256: str, format: str = "onnx") -> Artifact:
    return Artifact(
        sha256=sha256,
        size_bytes=10,
        network=network,
        family=network,
        format=format,
        precision="fp32",
        inputs=(Tensor(name="x", dtype="float32", shape=(1, 3, 8, 8)),),
        outputs=(Tensor(name="y", dtype="float32", shape=(1, 4)),),
        operators=(),
        params=None,
        macs=0,
        weights=Weights(kind="user", source="test"),
        session_config={"session.x64quantprecision": "1"},
        versions={},
    )


ARTIFACTS = [artifact("a", "1" * 64), artifact("b", "2" * 64), artifact("c", "3" * 64)]


def test_each_block_visits_every_cell_once() -> None:
    cells = cells_of("local", ARTIFACTS, [1, 2], "any")
    order = block_order(cells, 5, seed=0)
    assert len(order) == 5
    for block in order:
        assert sorted(block) == sorted(cell.id for cell in cells)


def test_blocks_differ_in_order_and_a_seed_repeats_them() -> None:
    cells = cells_of("local", ARTIFACTS, [1, 2], "any")
    order = block_order(cells, 5, seed=0)
    assert len(set(order)) > 1
    assert order == block_order(cells, 5, seed=0)
    assert order != block_order(cells, 5, seed=1)


def test_a_device_with_fewer_blocks_is_left_out_of_the_later_ones() -> None:
    assert joined([("a",), ("a",), ("a",)], [("b",), ("b",)]) == [("a", "b"), ("a", "b"), ("a",)]


def test_two_files_of_one_name_make_two_cells() -> None:
    twins = [artifact("mine", "1" * 64), artifact("mine", "2" * 64)]
    ids = [cell.id for cell in cells_of("local", twins, [1], "any")]
    assert len(set(ids)) == 2


def test_counted_trials_are_short() -> None:
    settings = job_settings("instructions", quick=False, samples_min=None, profile_runs=None)
    assert (settings["warmup_fixed"], settings["samples_fixed"]) == ("2", "5")  # DESIGN.md section 6


def test_a_job_names_runtime_model_shape_and_options() -> None:
    cell = cells_of("local", ARTIFACTS[:1], [2], "0-1")[0]
    text = job_text(
        cell,
        ARTIFACTS[0],
        library="libonnxruntime.so",
        model="/d/a b.onnx",
        scratch="/d/s",
        cores=cell.cores,
        clock="nanoseconds",
        seed=7,
        options=runtime_options(ARTIFACTS[0], "linux-x86_64", "flags : avx2 avx_vnni"),
        settings={"profile_runs": "0"},
    )
    pairs = dict(line.split(" ", 1) for line in text.splitlines())
    assert pairs["runtime"] == "onnxruntime"
    assert pairs["model"] == "/d/a b.onnx"
    assert pairs["threads"] == "2"
    assert pairs["cores"] == "0-1"
    assert pairs["shape"] == "0 1,3,8,8"
    assert pairs["option"] == "session.x64quantprecision 1"


def test_a_line_end_in_a_path_cannot_smuggle_a_key() -> None:
    cell = cells_of("local", ARTIFACTS[:1], [1], "any")[0]
    with pytest.raises(ValueError, match="line end"):
        job_text(
            cell,
            ARTIFACTS[0],
            library="l",
            model="/d/a\nseed 9",
            scratch="s",
            cores="any",
            clock="nanoseconds",
            seed=0,
            options={},
            settings={},
        )


def test_the_command_line_wins_over_the_plan_file(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('models = ["mobilenet_v2"]\nthreads = [1, 2]\nseed = 3\n')
    options = merged(load_plan(plan), {"seed": 4})
    assert options.models == ("mobilenet_v2",)
    assert options.threads == (1, 2)
    assert options.seed == 4


def test_a_wrong_plan_key_is_named_with_the_nearest_right_one(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text("thread = [1]\n")
    with pytest.raises(UsageError, match=r"'thread'; did you mean 'threads'"):
        load_plan(plan)


def test_a_wrong_value_names_its_option() -> None:
    with pytest.raises(UsageError, match=r"--threads"):
        merged({}, {"threads": ("two",)})
    with pytest.raises(UsageError, match=r"--formats"):
        merged({}, {"formats": ("caffe",)})


def test_lists_take_commas_and_repeats() -> None:
    assert listed(["a,b", "c"]) == ("a", "b", "c")
    assert listed(None) is None


def test_defaults_measure_all_on_this_machine() -> None:
    assert Options().device == ("local",)
    assert Options().models == ("all",)


@pytest.mark.parametrize(
    ("target", "flags", "exact"),
    [
        ("linux-x86_64", "flags : sse4_2 avx2", True),
        ("linux-x86_64", "flags : avx2 avx512_vnni", False),
        ("linux-aarch64", "Features : asimd", False),
    ],
)
def test_int8_onnx_is_told_to_be_exact_only_where_products_saturate(target: str, flags: str, exact: bool) -> None:
    plain = artifact("q", "4" * 64).model_copy(update={"precision": "int8", "session_config": {}})
    assert ("session.x64quantprecision" in runtime_options(plain, target, flags)) == exact
