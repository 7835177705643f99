"""What a run is asked to do: the same options from the command line and from a plan file."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt, ValidationError

from foundation.artifact import Format, Precision
from foundation.errors import UsageError
from foundation.record import Record


class Options(Record):
    """Options of `bench run`, and the keys of a plan file. Lists keep the order in which they were given."""

    device: tuple[str, ...] = ("local",)
    models: tuple[str, ...] = ("all",)
    formats: tuple[Format, ...] = ("onnx", "tflite")
    precisions: tuple[Precision, ...] | None = None  # None: fp32 and int8, and fp16 for tflite
    threads: tuple[PositiveInt, ...] = (1,)
    cores: str | None = None  # None: the device profile's choice
    trials: PositiveInt | None = None  # None: 5, or 2 on a deterministic clock
    quick: bool = False
    seed: NonNegativeInt = 0
    out: Path = Path("runs")
    weights: str = "default"
    input_shape: tuple[str, ...] = ()
    waive: tuple[str, ...] = ()
    jobs: PositiveInt = 2
    samples_min: PositiveInt | None = None
    profile_runs: NonNegativeInt | None = None
    accuracy: str | None = None  # the data set to predict after the trials; None: none
    pace: Literal["auto", "on", "off"] = "auto"
    wait: bool = True  # for a device that another process holds; False: refuse, naming the holder


def load_plan(path: Path) -> dict[str, object]:
    """A plan file's keys, those of `Options`. Raises UsageError naming a wrong key and the nearest right one."""
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise UsageError(
            f"cannot read the plan {path}: {error.strerror}", hint="give --plan an existing file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}", hint="see docs/guide.md, 'Plan files'") from error
    for key in table:
        if key not in Options.model_fields:
            near = difflib.get_close_matches(key, Options.model_fields, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            raise UsageError(f"{path}: unknown key '{key}'{meant}", hint=f"keys are: {', '.join(Options.model_fields)}")
    return table


def merged(plan: dict[str, object], given: dict[str, object]) -> Options:
    """Options with the command line's over the plan's. Raises UsageError naming the option that is wrong."""
    try:
        return Options.model_validate({**plan, **given})
    except ValidationError as error:
        detail = error.errors()[0]
        name = str(detail["loc"][0]).replace("_", "-")
        raise UsageError(
            f"--{name}: {detail['msg']}, got {detail['input']!r}", hint="see `bench run --help`"
        ) from error


def listed(values: list[str] | None) -> tuple[str, ...] | None:
    """A list option's values: commas split, repeats joined; None when the option was not given."""
    if not values:
        return None
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())
