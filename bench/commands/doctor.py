"""`bench doctor`: is everything here that a first run needs?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.devices.doctor import Check


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """Check runtimes, agent, adb, devices, the emulated board, cache and disk; say what cures what is missing.

    Exit status 0 when a run on this machine can start, 8 when it cannot; what only phones or the emulated board
    need is reported and does not count.
    """
    from bench.devices.doctor import checks
    from foundation.errors import Exit

    found = []
    for check in checks():
        found.append(check)
        if not json:
            print(described(check), flush=True)
    if json:
        import json as encoder

        print(encoder.dumps([check.model_dump() for check in found], indent=1))
    return Exit.OK if all(check.state == "ok" for check in found if check.needed == "run") else Exit.BUILD


def described(check: Check) -> str:
    """One line, and the cure below it."""
    mark = {"ok": "ok     ", "missing": "MISSING", "broken": "BROKEN "}[check.state]
    line = f"{mark}  {check.name}: {check.said}"
    if check.state != "ok":
        line += f" (needed for: {check.needed})"
    return f"{line}\n         -> {check.cure}" if check.cure and check.state != "ok" else line
