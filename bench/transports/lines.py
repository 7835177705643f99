"""Bytes as they arrive, cut into lines for a callback and kept whole for the record."""

from __future__ import annotations

import codecs
from collections.abc import Callable


class LineFeed:
    """Collects one output stream; `on_line` sees each line, without its newline, as soon as it is complete.

    Bytes that are not UTF-8 become U+FFFD: a device's text is never worth a crash.
    """

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._on_line = on_line
        self._pieces: list[str] = []
        self._open_line = ""

    def feed(self, data: bytes, final: bool = False) -> None:
        """Take the next bytes; `final` also hands out a last line that has no newline."""
        text = self._decoder.decode(data, final)
        self._pieces.append(text)
        *lines, self._open_line = (self._open_line + text).split("\n")
        if final and self._open_line:
            lines.append(self._open_line)
            self._open_line = ""
        if self._on_line is not None:
            for line in lines:
                self._on_line(line)

    @property
    def text(self) -> str:
        """Everything taken so far."""
        return "".join(self._pieces)
