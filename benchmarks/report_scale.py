"""How large, how slow: a report of 1,000 cells in a browser; history and queries over 10^7 operator rows in 1,000 runs.

    python benchmarks/report_scale.py [--cells 1000] [--runs 1000] [--rows 10000] [--keep FOLDER]

Evidence is made up with the size of real ones: 100 operators a cell, 5 trials of 200 samples. History and queries are
the commands themselves, from their start to their end; the best of three counts, memory is the process's peak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from foundation.artifact import Published  # noqa: E402
from results.store import Evidence  # noqa: E402
from tests.results.synthetic import Effects, artifact, evidence  # noqa: E402

JOINED = (
    "SELECT o.type, median(o.duration) AS ns, count(*) AS n FROM operators o JOIN cells c USING (run, cell) "
    "WHERE c.network = 'network_3' AND c.precision = 'fp32' GROUP BY 1 ORDER BY 2 DESC"
)
WHOLE = "SELECT type, count(*), avg(duration) FROM operators GROUP BY 1"


def layers(count: int) -> list[tuple[str, str, int, int, int, int, tuple[int, ...]]]:
    """So many convolutions of different sizes."""
    random = np.random.default_rng(count)
    return [
        (
            f"Convolution (NHWC, F32) {'DWConv' if index % 2 else 'IGEMM'}",
            "DEPTHWISE_CONV_2D" if index % 2 else "CONV_2D",
            int(random.integers(1e5, 1e7)),
            *(int(value) for value in random.integers(1e4, 1e6, 3)),
            (1, 56, 56, 64),
        )
        for index in range(count)
    ]


def thousand_cells(count: int) -> Evidence:
    """A run of so many cells, each of an artifact of its own."""
    shapes = layers(100)
    files = [
        artifact(
            f"network_{index}",
            "tflite",
            ("fp32", "int8")[index % 2],
            layers=shapes,
            family=f"family_{index % 17}",
            published=Published(top1=60 + index % 20, source="paper"),
        )
        for index in range(count)
    ]
    random = np.random.default_rng(0)
    effects = [
        Effects(latency_ns=float(ns), samples=200, disturbed_share=0.05) for ns in random.uniform(2e6, 80e6, count)
    ]
    return evidence(effects, files)


def many_runs(root: Path, runs: int, rows: int) -> None:
    """Finished runs' tables on disk: ten cells a run, so many operator rows a run."""
    base = evidence(
        [Effects(latency_ns=(index + 1) * 1e6, samples=10) for index in range(10)],
        [
            artifact(f"network_{index // 2}", precision=("fp32", "int8")[index % 2], layers=layers(50))
            for index in range(10)
        ],
        blocks=1,
    )
    from results.derive import cell_evidence
    from results.tables import cells_table, operators_table, samples_table

    found = cell_evidence(base)
    tables = {
        "cells": cells_table(base, found),
        "operators": operators_table(base.run, found),
        "samples": samples_table(base.run, found),
    }
    repeats = -(-rows // tables["operators"].num_rows)
    tables["operators"] = pa.concat_tables([tables["operators"]] * repeats).slice(0, rows)
    for index in range(runs):
        folder = root / f"run-{index:04d}"
        folder.mkdir(parents=True)
        started = f"2026-{1 + index // 84 % 12:02d}-{1 + index % 28:02d}T{index % 24:02d}:00:00+00:00"
        run = base.run.model_copy(update={"id": folder.name, "started": started})
        (folder / "run.json").write_text(run.to_json(indent=1))
        for name, table in tables.items():
            names = pa.array([folder.name] * table.num_rows)
            table = table.set_column(table.schema.get_field_index("run"), "run", names)
            if name == "cells":
                times = pa.array([started] * table.num_rows)
                table = table.set_column(table.schema.get_field_index("started"), "started", times)
            parquet.write_table(table, folder / f"{name}.parquet", compression="zstd")


CHROMIUM = "/usr/bin/chromium"
SETTLE_SECONDS = 5  # a browser that starts works on its own pages for seconds
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
EMPTY = "<!doctype html><title>empty</title><p>empty"


def picture_seconds(page: Path) -> float:
    """Seconds from the browser's start to a picture of the page, the best of three; nothing drives the browser."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "page.png"
        for _ in range(3):
            begin = time.perf_counter()
            flags = [*FLAGS, "--window-size=1280,900", f"--screenshot={picture}"]
            subprocess.run([CHROMIUM, *flags, page.as_uri()], check=True, capture_output=True)
            taken.append(time.perf_counter() - begin)
            if not picture.stat().st_size:
                raise SystemExit("the browser took no picture")
    return min(taken)


def tab_seconds(page: Path, times: int = 7) -> tuple[list[float], list[float], int]:
    """Seconds from navigation to the frame with chart and first rows, and to the frame with all; rows in the table.

    As a reader sees it: a browser that has been running gets a new tab. Nothing is attached while the page draws, since
    a debugger has V8 compile plotly once more; the page's own marks are read afterwards.
    """
    from playwright.sync_api import sync_playwright

    first, whole = [], []
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        flags = [*FLAGS, "--window-size=1280,900", f"--user-data-dir={profile}", "--remote-debugging-port=0"]
        browser = subprocess.Popen([CHROMIUM, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(SETTLE_SECONDS)
            port = int((Path(profile) / "DevToolsActivePort").read_text().split()[0])
            root = f"http://127.0.0.1:{port}"
            for _ in range(times):
                request = urllib.request.Request(f"{root}/json/new?{page.as_uri()}", method="PUT")
                urllib.request.urlopen(request).close()
                time.sleep(SETTLE_SECONDS)
                attached = playwright.chromium.connect_over_cdp(root)
                tab = next(one for context in attached.contexts for one in context.pages if one.url == page.as_uri())
                tab.wait_for_function("performance.getEntriesByName('drawn').length")
                marks = "name => performance.getEntriesByName(name)[0].startTime / 1000"
                first.append(tab.evaluate(marks, "chart-drawn"))
                whole.append(tab.evaluate(marks, "drawn"))
                rows = tab.locator(".cells tbody tr").count()
                tab.close()
                attached.close()
        finally:
            browser.terminate()
            browser.wait()
    return first, whole, rows


def told(seconds: list[float]) -> str:
    """Median and range in words."""
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} - {max(seconds):.2f})"


def write_page(cells: int, path: Path) -> None:
    """Write the report of so many cells and say what that took, in a process of its own."""
    made = thousand_cells(cells)
    begin = time.perf_counter()
    from results.report.page import write_report

    size = write_report([made], path)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"report of {cells} cells: {size / 1e6:.1f} MB, written in {seconds:.1f} s, "
        f"peak {peak:.0f} MB (evidence made up in memory included)",
        flush=True,
    )


def command(*arguments: str) -> tuple[float, float, int]:
    """Seconds that `bench` takes with these arguments, its peak memory in MB, and how many lines it prints."""
    program = Path(sys.executable).with_name("bench")
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([program, *arguments], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"bench {' '.join(arguments)} ended with {process.returncode}")
        output.seek(0)
        return seconds, usage.ru_maxrss / 1024, len(output.read().splitlines())


def main() -> None:
    """Make the evidence, take the figures, print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000, help="operator rows a run")
    parser.add_argument("--keep", type=Path, help="folder for what is made; else a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / "report.html"
        writer = multiprocessing.get_context("spawn").Process(target=write_page, args=(options.cells, page))
        writer.start()
        writer.join()
        empty = folder / "empty.html"
        empty.write_text(EMPTY)
        whole, bare = picture_seconds(page), picture_seconds(empty)
        first, every, rows = tab_seconds(page)
        print(
            f"a tab of a running chromium, median and range of {len(every)}: chart and first rows after {told(first)}, "
            f"all {rows} rows after {told(every)}\n"
            f"a new chromium: {whole - bare:.2f} s more than with an empty page ({whole:.2f} and {bare:.2f} s)",
            flush=True,
        )
        runs = folder / "runs"
        if not runs.exists():
            many_runs(runs, options.runs, options.rows)
        print(f"{options.runs} runs, {options.runs * options.rows:.0e} operator rows:", flush=True)
        for name, arguments in (
            ("bench history, all runs of one cell", ("history", "network_3", "--precision", "fp32")),
            ("bench query, one cell's operators by type, joined with cells", ("query", JOINED)),
            ("bench query, all operators by type", ("query", WHOLE)),
        ):
            seconds, peak, lines = min(command(*arguments, "--runs", str(runs)) for _ in range(3))
            print(f"{name}: {seconds:.2f} s from start to end, {lines} lines, peak {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
