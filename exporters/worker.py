"""The child process that exports: one JSON job a line on stdin, JSON events a line on stdout, until stdin ends.

Converters print as they like, from C++ too: what they print goes to stderr, the real stdout is kept for events.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from exporters import shelf
from foundation.errors import PocketbenchError


def main() -> None:
    """Work until stdin ends. Dies with the process that started it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody waits for this work any more
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"

    def emit(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    # Tracing makes millions of objects that all live on: looking for cycles among them is a quarter of a conversion.
    gc.disable()
    for line in sys.stdin:
        job = json.loads(line)
        try:
            run(job, emit)
        except PocketbenchError as error:
            emit(event="network_failed", message=error.message, hint=error.hint)
        except Exception as error:
            traceback.print_exc()
            emit(event="network_failed", message=f"{job['network']}: {type(error).__name__}: {error}", hint="")
        gc.collect()
        emit(event="idle")


def run(job: dict[str, Any], emit: Any) -> None:
    """Export one network: `wanted` is a list of (format, precision, cache key)."""
    import torch

    from exporters.make import Made, make_all
    from exporters.networks.registry import resolve

    torch.set_num_threads(1)  # several children share the machine, and converters use one thread anyway
    keys = {(format, precision): key for format, precision, key in job["wanted"]}
    network = resolve(job["network"], job["weights"])
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder:
        for (format, precision), made in make_all(
            network, list(keys), Path(folder), lambda text: emit(event="stage", text=text)
        ):
            if isinstance(made, Made):
                shelf.put(keys[format, precision], made.path, made.artifact)
                emit(event="made", format=format, precision=precision, seconds=made.seconds)
            else:
                if made.__cause__ is not None:
                    traceback.print_exception(made.__cause__)
                emit(event="failed", format=format, precision=precision, message=made.message, hint=made.hint)


if __name__ == "__main__":
    main()
