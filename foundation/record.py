"""Records: frozen, strict, and written as JSON always the same way."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """What was measured or decided; unknown fields are an error, and nothing changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self, *, indent: int | None = None) -> str:
        """The record as JSON text; equal records give equal text."""
        return self.model_dump_json(indent=indent)
