"""The agent's answer, line by line, on this machine with the real runtimes."""

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from device_agents.targets import own_target
from results.evidence import Cold, Done, Hello, Loaded, Ops, Output, Samples, State, Warmup, parse_line
from tests.device_agents.agent_runs import RUNTIME, measure, own_bundle, run_agent, write_job
from tests.device_agents.tiny_models import conv_onnx, conv_tflite

IN_ORDER = ["hello", "state", "loaded", "cold", "warmup", "samples", "ops", "output", "state", "done"]


def test_trial_says_every_kind_once_and_in_order(tmp_path: Path, convolution: bytes, format: str) -> None:
    answer = measure(tmp_path, convolution, format, calibration_ns=5_000_000)
    assert answer.status == 0
    assert [line.kind for line in answer.lines] == IN_ORDER
    hello = answer.one(Hello)
    assert (hello.runtime, hello.target) == (RUNTIME[format], own_target().name)
    assert len(answer.one(Warmup).wall_ns) == 2
    samples = answer.one(Samples)
    assert [len(samples.wall_ns), len(samples.cpu_ns), len(samples.preemptions)] == [5, 5, 5]
    ops = answer.one(Ops)
    assert len(ops.wall_ns) == 3
    assert {len(operator.durations_ns) for operator in ops.operators} == {3}
    assert [operator.order for operator in ops.operators] == list(range(len(ops.operators)))
    assert answer.one(Cold).wall_ns > 0
    assert answer.one(Done).peak_memory_bytes > 5_000_000
    for state in (line for line in answer.lines if isinstance(line, State)):
        assert sum(state.calibration_ns) >= 5_000_000
        assert state.files["/proc/loadavg"].count(" ") == 4
        assert state.files["/proc/meminfo"].startswith("MemTotal:")


def test_operators_are_those_of_the_graph_that_ran(tmp_path: Path, convolution: bytes, format: str) -> None:
    operators = measure(tmp_path, convolution, format).one(Ops).operators
    types = {operator.type for operator in operators}
    assert types >= (
        {"Conv", "GlobalAveragePool", "MatMul"} if format == "onnx" else {"Convolution", "Fully Connected"}
    )
    assert all(operator.fast_path for operator in operators)
    if format == "onnx":
        product = next(operator for operator in operators if operator.type == "MatMul")
        assert product.shapes_in[0] == ("float32", (1, 8))
        assert product.shapes_out == (("float32", (1, 10)),)


def test_operator_outside_the_delegate_is_named_with_its_place_in_the_file(tmp_path: Path) -> None:
    answer = measure(tmp_path, conv_tflite(outside=True), "tflite")
    slow = [operator for operator in answer.one(Ops).operators if not operator.fast_path]
    assert [(operator.type, operator.node_index) for operator in slow] == [("CUMSUM", 3)]
    assert answer.one(Loaded).delegated_share is None
    assert measure(tmp_path, conv_tflite(), "tflite").one(Loaded).delegated_share == 1.0


def test_sample_rules_give_at_least_both_minima_and_stop_at_the_maximum(
    tmp_path: Path, convolution: bytes, format: str
) -> None:
    rules = {"samples_fixed": 0, "profile_runs": 0}
    limits = {"samples_min": 30, "samples_min_ns": 20_000_000, "samples_max_ns": 10_000_000_000}
    taken = measure(tmp_path, convolution, format, **rules, **limits).one(Samples).wall_ns
    assert len(taken) >= 30
    assert sum(taken) >= 20_000_000
    assert len(taken) == 30 or sum(taken[:-1]) < 20_000_000
    limits["samples_max_ns"] = 1_000_000
    stopped = measure(tmp_path, convolution, format, **rules, **limits).one(Samples).wall_ns
    assert sum(stopped[:-1]) < 1_000_000


def test_no_profile_line_when_none_is_asked_for(tmp_path: Path, convolution: bytes, format: str) -> None:
    answer = measure(tmp_path, convolution, format, profile_runs=0)
    assert [line.kind for line in answer.lines] == [kind for kind in IN_ORDER if kind != "ops"]


def test_scratch_folder_is_left_empty(tmp_path: Path, convolution: bytes, format: str) -> None:
    measure(tmp_path, convolution, format)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_agent_killed_in_mid_trial_leaves_whole_lines_and_no_done(tmp_path: Path) -> None:
    job = write_job(tmp_path, conv_onnx(), "onnx", samples_fixed=0, samples_min=10**9, samples_max_ns=60_000_000_000)
    with subprocess.Popen([own_bundle().files["agent"], job], stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        seen = []
        while not seen or seen[-1].kind != "warmup":
            seen.append(parse_line(agent.stdout.readline()))
        time.sleep(0.05)
        agent.send_signal(signal.SIGKILL)
        rest = agent.stdout.read()
    assert agent.returncode == -signal.SIGKILL
    assert rest == ""
    assert [line.kind for line in seen] == IN_ORDER[:5]


def test_preempted_inferences_are_marked_beside_a_busy_loop(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    model = conv_onnx(repeats=600)  # some 2 ms: the scheduler must cut into inferences, not only between them
    rules = {"cores": core, "samples_fixed": 200, "profile_runs": 0}
    busy = ["taskset", "-c", str(core), "sh", "-c", "while :; do :; done"]
    with subprocess.Popen(busy) as neighbour:
        try:
            samples = measure(tmp_path, model, "onnx", **rules).one(Samples)
        finally:
            neighbour.kill()
    # While another program runs on the only core, wall time passes and the agent's CPU time does not. One in ten may be
    # unmarked: a virtual machine's own host may take the core as well, which its kernel calls no preemption.
    waited = [
        count > 0
        for wall, cpu, count in zip(samples.wall_ns, samples.cpu_ns, samples.preemptions, strict=True)
        if wall - cpu > 1_000_000
    ]
    assert len(waited) >= 10
    assert sum(waited) >= 0.9 * len(waited)
    assert 0 in samples.preemptions


def test_agent_keeps_to_the_cores_it_was_given(tmp_path: Path, convolution: bytes, format: str) -> None:
    core = max(os.sched_getaffinity(0))
    answer = measure(tmp_path, convolution, format, cores=core, threads=2)
    assert {line.cores_allowed for line in answer.lines if isinstance(line, State)} == {str(core)}
    assert answer.one(Loaded).threads == 2


@pytest.mark.parametrize("cores", ["1000", "", "a", "0-", "3,,4", "-1"])
def test_impossible_cores_are_an_error_of_their_own(tmp_path: Path, cores: str) -> None:
    error = measure(tmp_path, conv_tflite(), "tflite", cores=cores).error
    assert error.code == "CORES"


def test_state_alone_for_pacing() -> None:
    ended = subprocess.run(
        [own_bundle().files["agent"], "--state", "20000000"], capture_output=True, text=True, check=True
    )
    state = parse_line(ended.stdout)
    assert isinstance(state, State)
    assert sum(state.calibration_ns) >= 20_000_000


def test_sha256_equals_hashlib_for_every_padding(tmp_path: Path) -> None:
    paths = []
    for size in (0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000_003):
        path = tmp_path / f"{size} bytes"
        path.write_bytes(np.random.default_rng(size).bytes(size))
        paths.append(path)
    ended = subprocess.run(
        [own_bundle().files["agent"], "--sha256", *paths], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}\n" for path in paths)


def test_output_digest_is_of_all_outputs_bytes(tmp_path: Path, convolution: bytes, format: str) -> None:
    output = measure(tmp_path, convolution, format).one(Output)
    assert output.values is not None
    assert output.digest == hashlib.sha256(np.array(output.values, np.float32).tobytes()).hexdigest()
    assert output.top5 == tuple(np.argsort(-np.array(output.values), kind="stable")[:5])


def test_stdout_carries_nothing_but_lines_when_a_library_prints(tmp_path: Path) -> None:
    job = write_job(tmp_path, conv_onnx(), "onnx", "option session.no_such_key 1")
    assert run_agent(job).status == 0  # run_agent reads every line by the schema
