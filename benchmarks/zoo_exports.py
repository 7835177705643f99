"""Export the zoo and write docs/zoo.md: size, operators, partitions, stray transposes, seconds, agreement.

    python benchmarks/zoo_exports.py [--models all] [--jobs 2] [--out docs/zoo.md] [--fresh]

Export seconds are those of this run: what the cache holds already shows none, so --fresh exports into an empty cache
of its own. Peak memory is the largest child process. Small networks go first.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench.progress import export_progress, messages
from exporters.catalog import CatalogEntry, catalog
from exporters.service import PRECISIONS, Exported, Failed, Request, ensure
from foundation.artifact import Artifact

EXPLANATIONS = {  # operator types that XNNPACK leaves to the interpreter, and why, where that was looked into
    "HARD_SWISH": "XNNPACK has no int8 hard-swish",
    "PADV2": "XNNPACK pads by zero only",
}


def main() -> int:
    """Export, write the page, say where."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", default="all")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--out", type=Path, default=Path("docs/zoo.md"))
    options.add_argument("--fresh", action="store_true")
    chosen = options.parse_args()
    entries = sorted(catalog(chosen.models.split(",")), key=lambda entry: entry.params + entry.macs)
    wanted = [
        Request(entry.name, format, precision)
        for entry in entries
        for format, precisions in PRECISIONS.items()
        for precision in precisions
    ]
    with tempfile.TemporaryDirectory() as empty:
        if chosen.fresh:
            os.environ["POCKETBENCH_CACHE"] = empty
        start = time.monotonic()
        with export_progress(messages()) as on_event:
            results = ensure(wanted, jobs=chosen.jobs, on_event=on_event)
        seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    chosen.out.write_text(page(entries, wanted, results, chosen.jobs, seconds, peak), encoding="utf-8")
    failed = sum(isinstance(one, Failed) for one in results)
    print(f"{chosen.out}: {len(results) - failed} artifacts, {failed} failed, {seconds:.0f} s, {peak >> 20} MiB")
    return 1 if failed else 0


def page(
    entries: list[CatalogEntry],
    wanted: list[Request],
    results: list[Exported | Failed],
    jobs: int,
    seconds: float,
    peak: int,
) -> str:
    """The whole page as Markdown."""
    made = [one for one in results if isinstance(one, Exported)]
    fresh = [one for one in made if not one.cached]
    today = datetime.datetime.now(datetime.UTC).date()
    command = " ".join(["python", *sys.argv])
    lines = [
        "# The zoo, exported",
        "",
        f"{len(entries)} networks, {len(made)} artifacts; written by `{command}` on {today}.",
        f"{len(fresh)} of them were made in this run, {jobs} side by side on {os.cpu_count()} cores"
        f" ({platform.machine()}): {seconds:.0f} s of wall time, at most {peak / 2**30:.1f} GiB in one process.",
        "",
        "Seconds are wall time of one artifact, its share of the float conversion falling on the first that needs it;",
        "a dash is an artifact from the cache. Agreement is with the float network on held-out pictures: SQNR in dB",
        "over all outputs, and the share of the same first class. Networks with `*` have random weights: their",
        "agreement says how int8 treats such values, nothing of trained ones.",
        "",
        "| network | format | precision | MB | operators | M MACs | partitions | transposes | s | SQNR dB | top-1 = |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [row(request, one) for request, one in zip(wanted, results, strict=True)]
    lines += ["", "## Not one partition", "", *broken(made), "", "## Not exported", "", *failures(results), ""]
    return "\n".join(lines)


def row(request: Request, one: Exported | Failed) -> str:
    """One artifact's line of the table."""
    if isinstance(one, Failed):
        return f"| {request.network} | {request.format} | {request.precision} | failed |" + " |" * 7
    artifact = one.artifact
    delegation, agreement = artifact.delegation, artifact.agreement
    cells = (
        artifact.network + ("*" if artifact.weights.kind == "random" else ""),
        artifact.format,
        artifact.precision,
        f"{artifact.size_bytes / 1e6:.1f}",
        str(len(artifact.operators)),
        f"{artifact.macs / 1e6:.1f}",
        "-" if delegation is None else str(delegation.partitions),
        "-" if delegation is None else str(delegation.transposes),
        "-" if one.cached else f"{one.seconds:.1f}",
        "-" if agreement is None else "equal" if agreement.sqnr_db is None else f"{agreement.sqnr_db:.1f}",
        "-" if agreement is None else f"{agreement.top1:.2f}",
    )
    return "| " + " | ".join(cells) + " |"


def broken(made: list[Exported]) -> list[str]:
    """TFLite files that the delegate does not take whole, with the operators that break them."""
    lines = [explained(one.artifact) for one in made if _partitions(one.artifact) != 1]
    return lines or ["Every TFLite file is one partition."]


def explained(artifact: Artifact) -> str:
    """Which operators stay outside, how many of each, and why."""
    outside = artifact.delegation.undelegated if artifact.delegation else ()
    counted = {kind: outside.count(kind) for kind in dict.fromkeys(outside)}
    reasons = "; ".join(
        f"{count} {kind} ({EXPLANATIONS.get(kind, 'not taken by the delegate')})" for kind, count in counted.items()
    )
    return f"- {artifact.network} {artifact.precision}: {_partitions(artifact)} partitions; {reasons}"


def failures(results: list[Exported | Failed]) -> list[str]:
    """What could not be exported, and what was said."""
    return [f"- {one.request}: {one.message}" for one in results if isinstance(one, Failed)] or ["Nothing."]


def _partitions(artifact: Artifact) -> int:
    return artifact.delegation.partitions if artifact.delegation else 1


if __name__ == "__main__":
    sys.exit(main())
