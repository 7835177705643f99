"""What `bench run` does, from options to the table at the end."""

from __future__ import annotations

import json
import sys

from rich.markup import escape
from rich.table import Table

from bench import session
from bench.options import Options
from bench.plan import DEFAULT_BLOCKS, job_settings, trial_seconds
from bench.progress import export_progress, messages
from bench.sources import gather, is_file, requests
from bench.tables import console
from foundation.errors import Exit
from results.derive import cells
from results.replay import write_derived
from results.store import open_run
from results.tables import write_tables


def perform(options: Options, resume: str | None, as_json: bool) -> int:
    """Measure, print the table (or JSON) on stdout, and return the exit code."""
    from bench.commands.show import print_cells

    said = messages()
    session.writable(options.out)
    status = Exit.OK
    data = None
    if options.accuracy is not None:
        from exporters.datasets import load

        data = load(options.accuracy)  # refused now, if at all, and not after the trials
    if resume is not None:
        evidence = session.resume(options, resume, said)
    else:
        with export_progress(said) as on_event:
            sources = gather(options, on_event)
        for failed in sources.failed:
            said.print(f"error: {failed.message}", style="red")
            status = Exit.EXPORT
        if not sources.exported:
            return Exit.EXPORT
        evidence = session.start(options, sources, sys.argv, said)
    if data is not None and options.accuracy is not None:
        from bench.accuracy.plan import beside

        assert evidence.folder is not None
        _, unpredicted = beside(evidence, options, data, options.accuracy, said)
        status = Exit.REGRESSION if unpredicted and status is Exit.OK else status
        evidence = open_run(evidence.folder.parent, str(evidence.folder))
        write_derived(evidence)
        write_tables(evidence)
    results = cells(evidence)
    print_cells(evidence, results, as_json=as_json)
    said.print(f"evidence: {evidence.folder}")
    if status is Exit.OK and any(reason.code == "INCOMPLETE" for cell in results for reason in cell.reasons):
        return Exit.REGRESSION
    return status


def dry(options: Options, as_json: bool) -> int:
    """Print the cells that would be measured and an estimate of the time, and measure nothing."""
    from bench.devices.resolve import resolve

    wanted = requests(options)
    files = [name for name in options.models if is_file(name)]
    rows: list[tuple[object, ...]] = []
    seconds = 0.0
    for name in dict.fromkeys(options.device):
        handle = resolve(name)
        settings = job_settings(
            handle.clock, quick=options.quick, samples_min=options.samples_min, profile_runs=options.profile_runs
        )
        blocks = options.trials or (1 if options.quick else DEFAULT_BLOCKS[handle.clock])
        macs = _macs(options)
        device_seconds = 0.0
        for threads in options.threads:
            for request in wanted:
                rows.append((handle.name, request.network, request.format, request.precision, threads, blocks))
                device_seconds += blocks * trial_seconds(settings, macs[request.network], threads)
            for file in files:
                rows.append((handle.name, file, file.rsplit(".", 1)[-1], "", threads, blocks))
                device_seconds += blocks * trial_seconds(settings, 300_000_000, threads)
        seconds = max(seconds, device_seconds)  # devices run side by side
    keys = ("device", "network", "format", "precision", "threads", "trials")
    if as_json:
        print(json.dumps({"cells": [dict(zip(keys, row, strict=True)) for row in rows], "seconds": round(seconds)}))
        return Exit.OK
    table = Table(*keys, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row))
    out = console()
    out.print(table)
    out.print(
        f"{len(rows)} cells, about {seconds / 60:.0f} min of measuring (exports that are not in the cache come first)"
    )
    return Exit.OK


def _macs(options: Options) -> dict[str, int]:
    names = [name for name in options.models if not is_file(name)]
    if not names:
        return {}
    from exporters.catalog import catalog

    return {entry.name: entry.macs for entry in catalog(names)}
