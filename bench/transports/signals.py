"""Which signal a shell's exit status stands for."""

from __future__ import annotations

import signal


def signal_of(status: int) -> str | None:
    """ "SIGKILL" for 137, None for a status that names no signal (a shell reports 128 + the signal's number)."""
    try:
        return signal.Signals(status - 128).name
    except ValueError:
        return None
