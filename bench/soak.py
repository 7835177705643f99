"""One cell for minutes on end: trials of a few seconds, back to back, so that heat and frequency are read between."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import session
from bench.options import Options
from bench.progress import export_progress, messages
from bench.sources import gather
from foundation.errors import ExportError, UsageError
from results.derive import cell_evidence
from results.sustained import Course, course

TRIALS_A_MINUTE = 12
# Nearly all of the five seconds is inference: no profiling, hardly any warm-up, since warmth is the question.
SOAK_JOB = {
    "warmup_fixed": "3",
    "samples_min": "1",
    "samples_min_ns": "4700000000",
    "samples_max_ns": "4700000000",
    "profile_runs": "0",
}


def sustain(options: Options, minutes: int) -> tuple[Course, Path]:
    """Measure the one cell that `options` name for at least `minutes`; its course and the evidence's folder.

    Raises UsageError when the options name more than one cell, or a device whose clock does not count time.
    """
    console = messages()
    session.writable(options.out)
    with export_progress(console) as on_event:
        sources = gather(options, on_event)
    if sources.failed:
        raise ExportError(sources.failed[0].message, hint=sources.failed[0].hint)
    if len(sources.exported) != 1:
        raise UsageError(f"{len(sources.exported)} cells are named, a soak takes one", hint="name one network")
    blocks = options.model_copy(update={"trials": TRIALS_A_MINUTE * minutes})
    evidence = session.start(blocks, sources, sys.argv, console, job=SOAK_JOB)
    [only] = cell_evidence(evidence)
    assert evidence.folder is not None
    return course(only.complete, only.clock), evidence.folder
