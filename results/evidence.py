"""Evidence: the agent's own JSON lines, the trial that holds them, the run that holds the trials.

This is the one place where the schema lives. `bench` stores the lines as they came and only `results`
reads them back. A new schema version adds a reader; it never rewrites old evidence.

Times are integers of the trial's clock: nanoseconds on real hardware, instructions on the
emulated board (which maps one instruction to one nanosecond). The two are never mixed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from foundation.artifact import Artifact, Tensor
from foundation.errors import StorageError
from foundation.record import Record

EVIDENCE_SCHEMA: Final = 1
PROTOCOL: Final = 1  # the agent's; it says so in `hello`
BOARD_TEXTS: Final = ("emulator cpu", "emulator qemu")  # entries of an emulated board's Device.texts

Clock = Literal["nanoseconds", "instructions"]


class Hello(Record):
    """The agent's first line."""

    kind: Literal["hello"]
    protocol: Literal[1]
    agent: str  # version
    runtime: str  # onnxruntime, litert
    runtime_version: str
    target: str  # linux-x86_64, linux-aarch64, android-arm64, android-x86_64
    clock: Clock


class State(Record):
    """What the agent could read of its device. `files` maps a path (or pattern-expanded path) to its raw text;
    a file that could not be read is absent, never zero."""

    kind: Literal["state"]
    when: Literal["before", "after"]
    realtime_ns: PositiveInt
    files: dict[str, str]
    cores_allowed: str  # Cpus_allowed_list in force, such as "0-3"
    calibration_ns: tuple[PositiveInt, ...] = ()  # durations of the fixed calibration kernel, in order


class Loaded(Record):
    """The model is ready. `delegated_share`: operators on the fast path over all, None where the runtime hides it."""

    kind: Literal["loaded"]
    load_ns: NonNegativeInt  # reading and parsing the file
    init_ns: NonNegativeInt  # building the session / compiled model
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    threads: PositiveInt
    delegated_share: float | None


class Cold(Record):
    """The first inference of the process."""

    kind: Literal["cold"]
    wall_ns: PositiveInt
    cpu_ns: NonNegativeInt


class Warmup(Record):
    """Inferences before the moving averages settled (DESIGN.md section 6). `steady` is False when they never did."""

    kind: Literal["warmup"]
    wall_ns: tuple[PositiveInt, ...]
    steady: bool


class Samples(Record):
    """Timed inferences of one trial, in order, without profiling.

    `cpu_ns` is CPU time of all threads of the process, `preemptions` the involuntary context
    switches of all its threads, each during that inference.
    """

    kind: Literal["samples"]
    wall_ns: tuple[PositiveInt, ...]
    cpu_ns: tuple[NonNegativeInt, ...]
    preemptions: tuple[NonNegativeInt, ...]


class OperatorEvent(Record):
    """One operator of the graph that ran, with its time in each profiled inference.

    `shapes_in`/`shapes_out` are given where the runtime tells them (dtype, dims), weights among the inputs.
    `fast_path` is False for an operator outside the delegate or on another provider.
    """

    order: NonNegativeInt
    name: str
    type: str
    durations_ns: tuple[NonNegativeInt, ...]
    fast_path: bool
    shapes_in: tuple[tuple[str, tuple[int, ...]], ...] = ()
    shapes_out: tuple[tuple[str, tuple[int, ...]], ...] = ()
    node_index: int | None = None  # of the file's graph, where the runtime tells it


class Ops(Record):
    """Profiled inferences, made by a second runtime instance after `samples`."""

    kind: Literal["ops"]
    wall_ns: tuple[PositiveInt, ...]
    operators: tuple[OperatorEvent, ...]


class Output(Record):
    """What the last inference returned. `digest` is SHA-256 of all output bytes; `top5` indexes the first output;
    `values` the whole first output, dequantized, when the job asked for it."""

    kind: Literal["output"]
    digest: str
    top5: tuple[NonNegativeInt, ...]
    values: tuple[float, ...] | None = None


class Done(Record):
    """The last line. A trial without it failed, whatever the exit status said."""

    kind: Literal["done"]
    peak_memory_bytes: PositiveInt


class Failure(Record):
    """The agent says why it could not go on; it exits with status 1 after this."""

    kind: Literal["error"]
    code: str
    message: str


Line = Annotated[
    Hello | State | Loaded | Cold | Warmup | Samples | Ops | Output | Done | Failure,
    Field(discriminator="kind"),
]
_LINE: TypeAdapter[Line] = TypeAdapter(Line)


class Cell(Record):
    """One thing to measure. `artifact` is the SHA-256 of the file; `cores` what was asked for ("any", "big", "0-3")."""

    id: str
    network: str
    format: Literal["onnx", "tflite"]
    precision: Literal["fp32", "fp16", "int8"]
    device: str
    threads: PositiveInt
    cores: str
    artifact: str


class Trial(Record):
    """One fresh agent process measuring one cell, as `bench` stored it: one line of trials.jsonl."""

    schema_version: Literal[1] = EVIDENCE_SCHEMA
    cell: str
    block: NonNegativeInt
    started: str  # ISO 8601, UTC
    host_ns: NonNegativeInt  # wall time on the host from first push to last line
    exit_status: int | None  # None: no status came back (the device was lost)
    signal: str | None = None  # the signal's name when one ended the agent
    error: str | None = None  # what the host saw go wrong
    lines: tuple[str, ...]  # stdout, as it came
    stderr: str  # its last 4000 characters
    shell: dict[str, str] = {}  # device state read by shell: "before dumpsys battery" -> its text


class Host(Record):
    """Who measured."""

    pocketbench: str
    commit: str | None
    python: str
    system: str
    versions: dict[str, str]


class Device(Record):
    """The device as it was found at the start of the run. `texts`: raw outputs that identify it, command -> text."""

    name: str
    transport: str
    target: str
    clock: Clock
    bundle: str  # digest of the agent and its runtime libraries
    job: dict[str, str]  # the agent's settings shared by all trials on this device
    texts: dict[str, str] = {}


class Run(Record):
    """run.json: everything that was decided before the first trial."""

    schema_version: Literal[1] = EVIDENCE_SCHEMA
    id: str
    started: str
    command: tuple[str, ...]
    seed: int
    blocks: PositiveInt
    quick: bool  # one block of short trials: good for a look, not for a claim
    waived: tuple[str, ...] = ()
    devices: tuple[Device, ...]
    cells: tuple[Cell, ...]
    order: tuple[tuple[str, ...], ...]  # cell ids, block by block
    artifacts: dict[str, Artifact]  # by SHA-256
    files: dict[str, str]  # SHA-256 -> where the file lay on the host; checked again by its hash on resume
    host: Host


def parse_line(text: str) -> Line:
    """One of the agent's lines as its record. Raises ValueError on anything else."""
    return _LINE.validate_json(text)


def lines_of(trial: Trial) -> Iterator[Line]:
    """The trial's records that can be read; a line cut in the middle ends them."""
    for text in trial.lines:
        try:
            yield parse_line(text)
        except ValidationError:
            return


def parse_run(text: str, where: str) -> Run:
    """run.json's text as a Run. Raises StorageError naming `where` when it is damaged or of another schema."""
    try:
        return Run.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(f"{where} is not evidence this version can read: {_first(error)}") from error


def parse_trials(lines: Iterable[str], where: str) -> tuple[list[Trial], int]:
    """Trials of trials.jsonl, and how many lines could not be read.

    Only the last line may be cut (the host died while writing it): a damaged line before it raises StorageError.
    """
    texts = [line for line in lines if line.strip()]
    trials: list[Trial] = []
    for number, text in enumerate(texts, start=1):
        try:
            trials.append(Trial.model_validate_json(text))
        except ValidationError as error:
            if number == len(texts) and not _is_json(text):
                return trials, 1
            raise StorageError(f"{where}, line {number} is damaged: {_first(error)}") from error
    return trials, 0


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]
