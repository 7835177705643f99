"""Accuracy on this machine as a device: a model whose answers arithmetic gives, a real agent, real shards."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from rich.console import Console

from bench.accuracy import evaluate
from bench.accuracy.evaluate import Evaluation, compared
from bench.accuracy.shards import PackedShard, packed_shards
from bench.devices.device import Device
from bench.session import host
from bench.transports.local import LocalTransport
from bench.transports.protocol import Completed
from bench.trial import Station
from device_agents.bundle import bundle
from device_agents.targets import own_target
from exporters.inspect import read_model
from foundation.artifact import Artifact, Preprocessing, Weights
from foundation.errors import DeviceError, UsageError
from results.accuracy import scores
from results.accuracy_evidence import AccuracyPlan
from results.accuracy_store import AccuracyEvidence, AccuracyWriter, open_accuracy
from results.evidence import Cell
from results.evidence import Device as DeviceRecord

SIZE = 8  # pixels
PICTURES = 10
PREPROCESSING = Preprocessing(
    size=SIZE, crop=1.0, interpolation="bilinear", channel_order="RGB", mean=(0.0,) * 3, scale=(255.0,) * 3
)


class Recorder:
    """Encodes a picture as its name's number in eight bytes; remembers how many it was asked for."""

    picture_bytes = 8

    def __init__(self, bad: Sequence[int] = ()) -> None:
        self.bad = bad
        self.asked = 0

    def encode(self, path: Path) -> bytes:
        self.asked += 1
        if int(path.name) in self.bad:
            raise UsageError(f"{path} has CMYK pixels", hint="convert it to 8-bit RGB")
        return struct.pack("<Q", int(path.name))


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def contents(shard: PackedShard) -> tuple[int, int, list[int]]:
    """Pictures and outputs flag of the header, then the pictures, as PROTOCOL.md lays them out."""
    pictures, outputs, *rest = struct.unpack(f"<{len(shard.data) // 8}Q", shard.data)
    return pictures, outputs, rest


def test_shards_hold_every_picture_once_and_in_order() -> None:
    shards = list(packed_shards(names(600), Recorder()))
    assert [index for shard in shards for index in contents(shard)[2]] == list(range(600))
    assert [(shard.first, shard.count) for shard in shards] == [(0, 256), (256, 256), (512, 88)]


def test_a_resumed_evaluation_packs_only_what_is_left() -> None:
    assert [index for shard in packed_shards(names(30), Recorder(), first=17) for index in contents(shard)[2]] == list(
        range(17, 30)
    )


def test_outputs_are_wanted_of_the_compared_pictures_and_of_no_other() -> None:
    shards = list(packed_shards(names(300), Recorder(), compared=40))
    assert [(shard.count, contents(shard)[1]) for shard in shards] == [(40, 1), (256, 0), (4, 0)]


def test_unusable_pictures_are_skipped_named_and_left_out_of_the_shard() -> None:
    (shard,) = packed_shards(names(200), Recorder(bad=(3, 7)))
    assert shard.skipped == {3: "3 has CMYK pixels", 7: "7 has CMYK pixels"}
    assert contents(shard)[0] == shard.pictures == 198


def test_more_than_one_percent_of_unusable_pictures_is_an_error() -> None:
    with pytest.raises(UsageError, match="3 of 200 pictures cannot be used, more than 1 %; the last: 9 has CMYK"):
        list(packed_shards(names(200), Recorder(bad=(3, 7, 9))))


def test_pictures_are_prepared_ahead_but_not_all_of_them() -> None:
    recorder = Recorder()
    shards = packed_shards(names(100_000), recorder)
    next(shards)
    assert 256 <= recorder.asked < 1000
    shards.close()


def test_comparison_skips_the_rows_of_unusable_pictures() -> None:
    reference = np.array([[1, 0], [9, 9], [0, 2]], dtype=np.float32)
    shard = PackedShard(first=0, count=3, pictures=2, skipped={1: "bad"}, compared=True, data=b"")
    found = compared(shard, np.array([[1, 1], [0, 2]], dtype=np.float32), reference)
    assert (found.top1, found.signal, found.error) == ((0, 1), 5.0, 1.0)


def classifier(path: Path) -> Path:
    """Six scores of a picture: the sums of red, green and blue, and their negatives."""
    weights = np.concatenate([np.eye(3), -np.eye(3)], axis=1).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def coloured(folder: Path) -> tuple[list[str], list[list[int]]]:
    """Pictures of one colour each, and the five largest scores that arithmetic gives them."""
    random = np.random.default_rng(0)
    paths, rows = [], []
    for index in range(PICTURES):
        colour = random.permutation([40, 120, 220])
        Image.new("RGB", (SIZE, SIZE), tuple(int(value) for value in colour)).save(folder / f"{index}.png")
        paths.append(str(folder / f"{index}.png"))
        values = np.concatenate([colour, -colour])
        rows.append(np.argsort(-values)[:5].tolist())
    return paths, rows


@dataclass
class Bench:
    """An evaluation of the colour classifier on this machine, in folders of the test's own."""

    folder: Path
    artifact: Artifact
    paths: list[str]
    expected: list[list[int]]
    transport: LocalTransport = field(default_factory=LocalTransport)
    bad: int | None = None

    def station(self) -> Station:
        target = own_target().name
        device = Device(
            name="local",
            transport=self.transport,
            target=target,
            clock="nanoseconds",
            workdir=str(self.folder / "device"),
        )
        (self.folder / "device").mkdir(exist_ok=True)
        found = bundle(target)
        return Station(device, found, device.stage.put_bundle(found), {}, 0)

    def plan(self) -> AccuracyPlan:
        cell = Cell(
            id="local/colours/onnx/fp32/t1", network="colours", format="onnx", precision="fp32", device="local",
            threads=1, cores="any", artifact=self.artifact.sha256,
        )  # fmt: skip
        station = self.station()
        record = DeviceRecord(
            name="local", transport="local", target=station.device.target, clock="nanoseconds",
            bundle=station.bundle.digest, job={},
        )  # fmt: skip
        return AccuracyPlan(
            id="test", started="2026-11-22T00:00:00Z", command=(), data="colours", validation=False, source="colours",
            weights="default", pictures=tuple(self.paths), classes=tuple((row[0],) for row in self.expected),
            compared=0, devices=(record,), cells=(cell,), artifacts={self.artifact.sha256: self.artifact},
            files={self.artifact.sha256: str(self.folder / "colours.onnx")}, host=host(),
        )  # fmt: skip

    def begin(self) -> tuple[AccuracyWriter, AccuracyEvidence]:
        (self.folder / "run").mkdir()
        plan = self.plan()
        return AccuracyWriter.create(self.folder / "run", plan), AccuracyEvidence(plan, ())

    def predictions(self) -> list[list[int]]:
        """What is on the disk, picture by picture."""
        evidence = open_accuracy(self.folder / "run")
        assert evidence is not None
        shards = sorted(evidence.shards, key=lambda shard: shard.first)
        assert [shard.first for shard in shards] == sorted({shard.first for shard in shards})  # none came twice
        return [list(row) for shard in shards for row in shard.top5]


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("bench.accuracy.shards.LARGEST_SHARD", 3)
    monkeypatch.setattr(evaluate, "RECONNECT_PAUSE_S", 0.0)
    paths, expected = coloured(tmp_path)
    found = read_model(classifier(tmp_path / "colours.onnx")).artifact
    weights = Weights(kind="user", source="the test")
    return Bench(
        tmp_path, found.model_copy(update={"preprocessing": PREPROCESSING, "weights": weights}), paths, expected
    )


def test_the_device_predicts_what_arithmetic_does_for_every_picture(colours: Bench) -> None:
    writer, evidence = colours.begin()
    with writer:
        assert Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run() == []
    assert colours.predictions() == colours.expected
    finished = open_accuracy(colours.folder / "run")
    assert finished is not None
    (score,) = scores(finished)
    assert (score.top1, score.pictures, score.skipped, score.complete) == (1.0, PICTURES, 0, True)


def test_nothing_of_a_finished_evaluation_stays_on_the_device(colours: Bench) -> None:
    writer, evidence = colours.begin()
    with writer:
        Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    assert not (colours.folder / "device" / "shards").exists()


def test_an_unreadable_picture_is_skipped_and_the_others_keep_their_places(colours: Bench) -> None:
    colours.paths = colours.paths * 10
    colours.expected = colours.expected * 10
    Path(broken := str(colours.folder / "broken.png")).write_bytes(b"no picture")
    colours.paths[4] = broken
    del (wanted := list(colours.expected))[4]
    writer, evidence = colours.begin()
    with writer:
        Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    assert colours.predictions() == wanted
    finished = open_accuracy(colours.folder / "run")
    assert finished is not None
    (score,) = scores(finished)
    assert (score.top1, score.pictures, score.skipped, score.complete) == (1.0, 99, 1, True)


class Losing(LocalTransport):
    """A device that is lost after so many answers in each session; None lets a session end."""

    def __init__(self, *answers: int | None) -> None:
        super().__init__()
        self.answers = list(answers)

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        deadline_s: float = 60.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        if on_line is None:
            return super().run(argv, cwd=cwd, env=env, deadline_s=deadline_s)
        allowed, heard = self.answers.pop(0), 0

        def counted(line: str) -> None:
            nonlocal heard
            on_line(line)
            heard += line.startswith('{"kind":"predictions"')
            if allowed is not None and heard >= allowed:
                raise DeviceError("the cable was pulled", retryable=True)

        return super().run(argv, cwd=cwd, env=env, deadline_s=deadline_s, on_line=counted)


def test_a_device_lost_between_shards_goes_on_where_it_was(colours: Bench) -> None:
    colours.transport = Losing(2, 1, None)
    writer, evidence = colours.begin()
    with writer:
        assert Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run() == []
    assert colours.predictions() == colours.expected


def test_a_device_lost_for_good_is_resumed_at_the_shard_it_had_reached(colours: Bench) -> None:
    colours.transport = Losing(2, 0, 0, 0, 0)
    writer, evidence = colours.begin()
    with writer, pytest.raises(DeviceError, match="was lost while predicting"):
        Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    colours.transport = LocalTransport()
    writer, evidence = AccuracyWriter.resume(colours.folder / "run")
    assert evidence.reached("local/colours/onnx/fp32/t1") == 6
    with writer:
        Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    assert colours.predictions() == colours.expected


def test_a_host_killed_while_it_wrote_loses_only_the_line_in_flight(colours: Bench) -> None:
    writer, evidence = colours.begin()
    with writer:
        Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    path = colours.folder / "run" / "predictions.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:-20])
    writer, evidence = AccuracyWriter.resume(colours.folder / "run")
    assert evidence.reached("local/colours/onnx/fp32/t1") == 6
    with writer:
        Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    assert colours.predictions() == colours.expected


def test_a_model_that_the_agent_refuses_is_named_and_not_repeated(colours: Bench) -> None:
    (colours.folder / "colours.onnx").write_bytes(b"\x08\x01broken")
    writer, evidence = colours.begin()
    with writer:
        failed = Evaluation(writer, evidence, [colours.station()], Console(quiet=True)).run()
    assert failed == ["local/colours/onnx/fp32/t1"]
