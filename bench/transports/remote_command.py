"""A command for a device's shell, wrapped so that its process id, its true end and its status are known.

A connection that breaks in mid-command looks like success to some tools, so only the wrapper's own end
mark counts. The wrapper is plain POSIX sh: it runs under Android's mksh, busybox ash, dash and bash.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from bench.transports.lines import LineFeed

MARK = "POCKETBENCH_RUN"  # also set in the process's environment: a leftover is recognised by it

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def wrapped(
    argv: Sequence[str], nonce: str, *, cwd: str | None, env: Mapping[str, str] | None, stderr_apart: bool
) -> str:
    """Shell text that runs `argv` and prints `nonce pid N`, the program's own output, then `nonce end STATUS`.

    The program reads nothing; the shell's stdin is the connection, and when that closes the program is
    killed. Where the connection cannot carry stderr apart, it follows the end mark on stdout.
    """
    for name in env or {}:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not an environment variable's name: {name!r}")
    exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in (env or {}).items())
    folder = f"cd -- {shlex.quote(cwd)} || exit 125; " if cwd is not None else ""
    program = " ".join(shlex.quote(part) for part in argv)
    # The inner sh prints its own id and becomes the program, so the id is the program's.
    started = f"""sh -c 'echo "{nonce} pid $$"; exec "$@"' sh {program} </dev/null 5<&- &"""
    watched = "{ cat <&5; kill -9 $p; } >/dev/null 2>&1 & w=$!; wait $p; s=$?; kill -9 $w >/dev/null 2>&1; exit $s"
    body = f"( {folder}export {MARK}={nonce}; {exports}{started} p=$!; {watched} )"
    if stderr_apart:
        return f'exec 5<&0; {body}; echo "{nonce} end $?"'
    # Captured in a variable, not in a file: a full disk must not stop the command.
    captured = f"e=$( {body} 2>&1 >&4 4>&-; printf '\\n%s' $? )"
    printed = f"""n=${{e##*"$L"}}; printf '{nonce} end %s\\n%s' "$n" "${{e%"$L"*}}";"""
    return f"L='\n'; exec 5<&0 4>&1; {captured}; {printed}"


def leftover_killed(pid: int, nonce: str) -> str:
    """Shell text that kills process `pid` if it is still ours: ids are used again, the mark is not."""
    return f"grep -q {MARK}={nonce} /proc/{pid}/environ 2>/dev/null && kill -9 {pid}"


class MarkedOutput:
    """Takes a wrapped command's output apart: the program's own bytes, its pid, its status."""

    def __init__(self, nonce: str, on_line: Callable[[str], None] | None) -> None:
        self.pid: int | None = None
        self.status: int | None = None
        self.out = LineFeed(on_line)
        self.err = LineFeed()
        self._start = re.compile(rb"%b pid (\d+)\r?\n" % nonce.encode())
        self._end = re.compile(rb"%b end (\d+)\r?\n" % nonce.encode())
        self._mark = nonce.encode() + b" "
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take bytes of stdout, however they were cut."""
        if self.status is not None:
            self.err.feed(data)
            return
        self._held += data
        if self.pid is None and (start := self._start.search(self._held)):
            self.pid = int(start[1])
            self._held = self._held[: start.start()] + self._held[start.end() :]
        if end := self._end.search(self._held):
            self.status = int(end[1])
            self.out.feed(self._held[: end.start()], final=True)
            self.err.feed(self._held[end.end() :])
            self._held = b""
            return
        keep = self._unfinished_mark()
        self.out.feed(self._held[: len(self._held) - keep])
        self._held = self._held[len(self._held) - keep :]

    def finish(self) -> None:
        """The connection ended: hand out what was held back."""
        self.out.feed(self._held, final=True)
        self.err.feed(b"", final=True)
        self._held = b""

    def _unfinished_mark(self) -> int:
        """How many bytes at the end may be the beginning of a mark that is not whole yet."""
        found = self._held.rfind(self._mark)
        if found >= 0 and len(self._held) - found < len(self._mark) + 24:
            return len(self._held) - found
        for length in range(min(len(self._mark) - 1, len(self._held)), 0, -1):
            if self._mark.startswith(self._held[-length:]):
                return length
        return 0
