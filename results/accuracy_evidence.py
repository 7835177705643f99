"""Evidence of an accuracy evaluation: accuracy.json, written before the first picture; predictions.jsonl, by shards.

In a folder of runs of its own (`bench accuracy`), or beside a run's trials (`bench run --accuracy`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from foundation.artifact import Artifact
from foundation.errors import StorageError
from foundation.record import Record
from results.evidence import Cell, Device, Host

ACCURACY_SCHEMA: Final = 1

Row = tuple[NonNegativeInt, ...]  # the five largest outputs' indices, largest first


class Predictions(Record):
    """The agent's line for one shard; times are the device's clock's."""

    kind: Literal["predictions"]
    shard: NonNegativeInt
    waited_ns: NonNegativeInt
    busy_ns: NonNegativeInt
    top5: tuple[Row, ...]


class AccuracyPlan(Record):
    """accuracy.json. `pictures` are paths in the order in which every cell is shown them; for each of them `classes`
    are the indices that count as right."""

    schema_version: Literal[1] = ACCURACY_SCHEMA
    id: str
    started: str
    command: tuple[str, ...]
    data: str  # the data set's name
    validation: bool  # ImageNet-1k's validation set or a random sample of it: comparable with published accuracies
    source: str  # what --data said
    weights: str  # which weights of the networks: default, torchvision, timm, or a file
    pictures: tuple[str, ...]
    classes: tuple[tuple[NonNegativeInt, ...], ...]
    compared: NonNegativeInt  # so many pictures from the first on are compared with the float network's outputs
    devices: tuple[Device, ...]
    cells: tuple[Cell, ...]
    artifacts: dict[str, Artifact]  # by SHA-256
    files: dict[str, str]  # SHA-256 -> where the file lay on the host
    host: Host


class Comparison(Record):
    """Outputs of a shard's pictures against the float network's, computed by PyTorch on the host.

    `signal` is the sum of squares of the float network's outputs, `error` that of the differences.
    """

    top1: tuple[NonNegativeInt, ...]  # the float network's first class, a picture that was not skipped after another
    signal: NonNegativeFloat
    error: NonNegativeFloat


class Shard(Record):
    """What one cell made of pictures `first` to `first + count - 1` of the plan. `skipped`: offset -> what is wrong."""

    kind: Literal["shard"] = "shard"
    cell: str
    first: NonNegativeInt
    count: PositiveInt
    skipped: dict[NonNegativeInt, str] = {}
    top5: tuple[Row, ...]  # a row for each picture that was not skipped
    waited_ns: NonNegativeInt
    busy_ns: NonNegativeInt
    comparison: Comparison | None = None


class Session(Record):
    """One agent process that predicted: its own lines but for the predictions, and how it ended."""

    kind: Literal["session"] = "session"
    cell: str
    first: NonNegativeInt  # the picture it began at
    started: str
    host_ns: NonNegativeInt
    exit_status: int | None  # None: the device was lost
    signal: str | None
    error: str | None
    lines: tuple[str, ...]
    stderr: str


Line = Annotated[Shard | Session, Field(discriminator="kind")]
_LINE: TypeAdapter[Shard | Session] = TypeAdapter(Line)


def parse_predictions(text: str) -> Predictions:
    """The agent's line. Raises ValueError on anything else."""
    return Predictions.model_validate_json(text)


def parse_plan(text: str, where: str) -> AccuracyPlan:
    """accuracy.json's text. Raises StorageError naming `where` when it is damaged or of another schema."""
    try:
        return AccuracyPlan.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(f"{where} is not evidence this version can read: {_first(error)}") from error


def parse_lines(lines: Iterable[bytes], where: str) -> tuple[list[Shard | Session], int]:
    """Lines of predictions.jsonl, and how many bytes of whole lines there are.

    A last line without its end (the host died while writing it) is left out. Raises StorageError for another damage.
    """
    found: list[Shard | Session] = []
    whole = 0
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            found.append(_LINE.validate_json(line))
        except ValidationError as error:
            raise StorageError(f"{where}, line {number} is damaged: {_first(error)}") from error
        whole += len(line)
    return found, whole


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
