"""Seeded evidence whose truth is known: the lines a real agent prints, with effects a test asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from foundation.artifact import Artifact, Format, Operator, Precision, Published, Tensor, Weights
from results.evidence import Cell, Clock, Device, Host, Run, Trial
from results.store import Evidence

# (event type of the agent, file's own type, macs, input, weight and output bytes, output shape): a small CNN's truth
LAYERS = (
    ("Convolution (NHWC, F32) IGEMM", "CONV_2D", 10_838_016, 602_112, 3_584, 1_605_632, (1, 112, 112, 32)),
    ("Convolution (NHWC, F32) DWConv", "DEPTHWISE_CONV_2D", 3_612_672, 1_605_632, 1_280, 1_605_632, (1, 112, 112, 32)),
    ("Fully Connected (NC, F32) GEMM", "CONV_2D", 6_422_528, 1_605_632, 2_112, 802_816, (1, 112, 112, 16)),
    ("Mean (ND) Reduce2", "MEAN", 0, 802_816, 8, 64, (1, 16)),
    ("Fully Connected (NC, F32) GEMM", "FULLY_CONNECTED", 16_000, 64, 68_000, 4_000, (1, 1000)),
)


@dataclass(frozen=True)
class Effects:
    """What a cell's trials suffer from. Shares are relative to the latency; all default to a quiet device."""

    latency_ns: float = 10e6
    sample_noise: float = 0.01
    trial_effect: float = 0.005
    drift: float = 0.0  # relative rise from the first to the last sample
    second_mode: float = 0.0  # relative distance of a second group of samples
    second_mode_share: float = 0.5
    disturbed_share: float = 0.0  # samples with a preemption, three times as long
    burst_share: float = 0.0  # samples inside bursts of 5, 20 % longer, unseen by the preemption count
    samples: int = 100
    steady: bool = True
    operators_share: float = 0.97  # of the profiled inference
    profiled_overhead: float = 0.05
    undelegated: int = 0  # operators outside the fast path
    preemptions: Callable[[np.random.Generator, int], np.ndarray] | None = None
    calibration: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())  # before, after
    files: tuple[dict[str, str], dict[str, str]] = ({}, {})
    values: tuple[float, ...] | None = None
    digest: str = "0" * 64
    shell: dict[str, str] = field(default_factory=dict)


def artifact(
    network: str = "tiny",
    format: Format = "tflite",
    precision: Precision = "fp32",
    layers: Sequence[tuple[str, str, int, int, int, int, tuple[int, ...]]] = LAYERS,
    published: Published | None = None,
    **changes: object,
) -> Artifact:
    """An artifact of the given layers; `changes` replace any field."""
    operators = tuple(
        Operator(
            order=order,
            name=f"{kind.lower()}_{order}",
            type=kind,
            macs=macs,
            input_bytes=read,
            weight_bytes=weights,
            output_bytes=written,
            output_shape=shape,
        )
        for order, (_, kind, macs, read, weights, written, shape) in enumerate(layers)
    )
    fields: dict[str, object] = {
        "sha256": hashlib.sha256(f"{network}/{format}/{precision}".encode()).hexdigest(),
        "size_bytes": 1_000_000,
        "network": network,
        "family": network.split("_")[0],
        "format": format,
        "precision": precision,
        "inputs": (Tensor(name="input", dtype="float32", shape=(1, 224, 224, 3)),),
        "outputs": (Tensor(name="output", dtype="float32", shape=(1, 1000)),),
        "operators": operators,
        "params": 100_000,
        "macs": sum(operator.macs for operator in operators),
        "weights": Weights(kind="pretrained" if published else "random", source="seed 0"),
        "published": published,
        "versions": {"torch": "2.13.0"},
    }
    return Artifact.model_validate({**fields, **changes})


def cell_of(artifact: Artifact, device: str = "local", threads: int = 1) -> Cell:
    """The cell that measures an artifact, with the id that `bench run` gives it."""
    return Cell(
        id=f"{device}/{artifact.network}/{artifact.format}/{artifact.precision}/t{threads}",
        network=artifact.network,
        format=artifact.format,
        precision=artifact.precision,
        device=device,
        threads=threads,
        cores="any",
        artifact=artifact.sha256,
    )


def run_of(
    artifacts: Sequence[Artifact],
    *,
    blocks: int = 5,
    clock: Clock = "nanoseconds",
    run_id: str = "20261122-000000-test",
    device: str = "local",
    quick: bool = False,
    waived: tuple[str, ...] = (),
) -> Run:
    """run.json of the artifacts measured on one device, one thread."""
    cells = tuple(cell_of(one, device) for one in artifacts)
    return Run(
        id=run_id,
        started="2026-11-22T00:00:00Z",
        command=("bench", "run"),
        seed=0,
        blocks=blocks,
        quick=quick,
        waived=waived,
        devices=(Device(name=device, transport="local", target="linux-x86_64", clock=clock, bundle="b" * 64, job={}),),
        cells=cells,
        order=tuple(tuple(cell.id for cell in cells) for _ in range(blocks)),
        artifacts={one.sha256: one for one in artifacts},
        files={one.sha256: f"{one.network}.{one.format}" for one in artifacts},
        host=Host(pocketbench="0.1.0", commit=None, python="3.11.2", system="Linux", versions={}),
    )


def wall_times(random: np.random.Generator, effects: Effects) -> tuple[np.ndarray, np.ndarray]:
    """Wall times of one trial's samples, and their preemptions."""
    count = effects.samples
    walls = effects.latency_ns * np.exp(random.normal(0, effects.trial_effect))
    walls = walls * np.exp(random.normal(0, effects.sample_noise, count))
    walls *= 1.0 + effects.drift * np.linspace(0.0, 1.0, count)
    if effects.second_mode:
        walls[random.random(count) < effects.second_mode_share] *= 1.0 + effects.second_mode
    if effects.burst_share:
        for start in np.flatnonzero(random.random(count) < effects.burst_share / 5):
            walls[start : start + 5] *= 1.2
    preemptions = (random.random(count) < effects.disturbed_share).astype(int)
    if effects.preemptions:
        preemptions = effects.preemptions(random, count)
    walls[preemptions > 0] *= 3.0
    return walls.astype(np.int64), preemptions


def agent_lines(
    random: np.random.Generator, effects: Effects, artifact: Artifact, clock: Clock = "nanoseconds"
) -> list[str]:
    """What the agent prints for one trial, line by line."""
    walls, preemptions = wall_times(random, effects)
    median = float(np.median(walls))
    profiled = (median * (1 + effects.profiled_overhead) * np.exp(random.normal(0, 0.005, 20))).astype(np.int64)
    weights = np.array([operator.macs + operator.memory_access_bytes for operator in artifact.operators], dtype=float)
    shares = weights / weights.sum() * effects.operators_share
    events = {layer[1]: layer[0] for layer in reversed(LAYERS)}
    operators = []
    for operator, share in zip(artifact.operators, shares, strict=True):
        inside = operator.order >= effects.undelegated
        name = events.get(operator.type, operator.type) if inside else operator.type
        operators.append(
            {
                "order": operator.order,
                "name": name,
                "type": name.partition(" (")[0],
                "durations_ns": [int(wall * share) for wall in profiled],
                "fast_path": inside,
                "node_index": None if inside else operator.order,
            }
        )

    def state(when: int) -> dict[str, object]:
        return {
            "kind": "state",
            "when": ("before", "after")[when],
            "realtime_ns": 1_795_000_000_000_000_000,
            "files": effects.files[when],
            "cores_allowed": "0-1",
            "calibration_ns": effects.calibration[when],
        }

    tensors = {"inputs": artifact.inputs, "outputs": artifact.outputs}
    records: list[dict[str, object]] = [
        {
            "kind": "hello",
            "protocol": 1,
            "agent": "1",
            "runtime": "litert" if artifact.format == "tflite" else "onnxruntime",
            "runtime_version": "2.3.0",
            "target": "linux-x86_64",
            "clock": clock,
        },
        state(0),
        {
            "kind": "loaded",
            "load_ns": 1_000_000,
            "init_ns": 4_000_000,
            **{key: [tensor.model_dump(mode="json") for tensor in value] for key, value in tensors.items()},
            "threads": 1,
            "delegated_share": 1.0 - effects.undelegated / max(1, len(operators)),
        },
        {"kind": "cold", "wall_ns": int(2 * median), "cpu_ns": int(2 * median)},
        {"kind": "warmup", "wall_ns": [int(median)] * 5, "steady": effects.steady},
        {
            "kind": "samples",
            "wall_ns": walls.tolist(),
            "cpu_ns": (walls * 0.99).astype(np.int64).tolist(),
            "preemptions": preemptions.tolist(),
        },
        {"kind": "ops", "wall_ns": profiled.tolist(), "operators": operators},
        {"kind": "output", "digest": effects.digest, "top5": [1, 2, 3, 4, 5], "values": effects.values},
        state(1),
        {"kind": "done", "peak_memory_bytes": 50_000_000},
    ]
    return [json.dumps(record, separators=(",", ":")) for record in records]


def trial(
    random: np.random.Generator, effects: Effects, artifact: Artifact, cell: Cell, block: int, clock: Clock
) -> Trial:
    """One complete trial as `bench` stores it."""
    return Trial(
        cell=cell.id,
        block=block,
        started="2026-11-22T00:00:00Z",
        host_ns=2_000_000_000,
        exit_status=0,
        lines=tuple(agent_lines(random, effects, artifact, clock)),
        stderr="",
        shell=effects.shell,
    )


def evidence(
    effects: Effects | Sequence[Effects] = Effects(),
    artifacts: Sequence[Artifact] | None = None,
    *,
    blocks: int = 5,
    clock: Clock = "nanoseconds",
    seed: int = 0,
    **run: object,
) -> Evidence:
    """A whole run in memory: every artifact in every block. `effects`: one for all cells, or one each."""
    chosen = [artifact()] if artifacts is None else list(artifacts)
    each = [effects] * len(chosen) if isinstance(effects, Effects) else list(effects)
    random = np.random.default_rng(seed)
    plan = run_of(chosen, blocks=blocks, clock=clock, **run)  # type: ignore[arg-type]
    trials = [
        trial(random, effect, one, cell, block, clock)
        for block in range(blocks)
        for effect, one, cell in zip(each, chosen, plan.cells, strict=True)
    ]
    return Evidence(plan, tuple(trials))
