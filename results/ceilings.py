"""A device's ceilings for the roofline: what its cores compute and its memory delivers at most."""

from __future__ import annotations

from typing import Final

from pydantic import PositiveFloat, PositiveInt, ValidationError

from foundation.errors import StorageError
from foundation.record import Record
from results.evidence import Device

PROBE_TEXT: Final = "agent --probe"  # the key among Device.texts; followed by the number of threads


class Ceilings(Record):
    """Best of several repetitions on so many threads; per second. `instructions` says what the kernels used."""

    threads: PositiveInt
    fp32_macs_per_second: PositiveFloat
    int8_macs_per_second: PositiveFloat
    read_bytes_per_second: PositiveFloat
    fp32_kernel: str
    int8_kernel: str

    def macs_per_second(self, precision: str) -> float:
        """The roof of a precision; fp16 artifacts are computed in fp32 by both runtimes on these cores."""
        return self.int8_macs_per_second if precision == "int8" else self.fp32_macs_per_second


def ceilings(device: Device, threads: int) -> Ceilings | None:
    """What the probe printed when the run began, None where it was not run with so many threads.

    Raises StorageError when its line cannot be read.
    """
    text = device.texts.get(f"{PROBE_TEXT} {threads}")
    if text is None:
        return None
    try:
        return Ceilings.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(f"the probe of {device.name} left a line that cannot be read") from error
