"""Export the zoo into an empty cache, network by network, and write docs/zoo.md from what was recorded.

    python benchmarks/zoo_exports.py [--models NAMES] [--formats F] [--precisions P] [--jobs 2]   export, write the page
    python benchmarks/zoo_exports.py --page                                                       write the page alone

A network's exports are one process of their own, so that its wall time and peak memory are known. Each one's record is
appended to docs/zoo.jsonl as it ends; the page is made of the newest record of each file. A large zoo may so be
exported in several sittings, and the page says how many there were. Small networks go first.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.zoo_page import page
from exporters.catalog import catalog
from exporters.networks.registry import declarations
from exporters.service import PRECISIONS, Exported, Failed, Request, ensure
from foundation.cache import cache_root

RECORDS = Path(__file__).resolve().parent.parent / "docs" / "zoo.jsonl"
PAGE = RECORDS.with_suffix(".md")


@dataclass(frozen=True)
class Sitting:
    """One call of this program: what every record of it says."""

    start: str
    begun: float  # on the monotonic clock
    jobs: int


def main() -> int:
    """Export what was asked for, write the page, say where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", help="comma-separated; default: every network at its default size")
    parser.add_argument("--formats", default="onnx,tflite")
    parser.add_argument("--precisions", default="fp32,fp16,int8")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="write the page alone")
    parser.add_argument("--records", type=Path, default=RECORDS)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    formats, precisions = chosen.formats.split(","), chosen.precisions.split(",")
    if chosen.child:
        print(json.dumps(exported(chosen.models, formats, precisions)))
        return 0
    if not chosen.page:
        names = chosen.models.split(",") if chosen.models else list(declarations())
        entries = sorted(catalog(names), key=lambda entry: entry.params + entry.macs)
        start = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        sitting = Sitting(start, time.monotonic(), chosen.jobs)
        measure([entry.name for entry in entries], formats, precisions, sitting, chosen.records)
    chosen.out.write_text(page(read(chosen.records), list(declarations())), encoding="utf-8")
    print(chosen.out)
    return 0


def measure(
    names: Sequence[str], formats: Sequence[str], precisions: Sequence[str], sitting: Sitting, records: Path
) -> None:
    """Export each network in a process and a cache of its own, `sitting.jobs` side by side; append its record."""
    writing = threading.Lock()

    def one(name: str) -> None:
        record = in_child(name, formats, precisions) | {
            "sitting": sitting.start,
            "jobs": sitting.jobs,
            "ended_s": round(time.monotonic() - sitting.begun, 1),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "load": round(os.getloadavg()[0], 1),
        }
        with writing, records.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        print(f"{name}: {record['wall_s']:.0f} s, {record['peak_bytes'] >> 20} MiB", flush=True)

    with ThreadPoolExecutor(sitting.jobs) as workers:
        list(workers.map(one, names))


def in_child(name: str, formats: Sequence[str], precisions: Sequence[str]) -> dict[str, Any]:
    """What a child process says of one network, with its wall time and the peak memory of it and its children."""
    with tempfile.TemporaryDirectory() as cache:
        (Path(cache) / "catalog").symlink_to(cache_root() / "catalog")  # the parent has counted this network already
        start = time.monotonic()
        asked = ["--models", name, "--formats", ",".join(formats), "--precisions", ",".join(precisions)]
        child = subprocess.Popen(
            [sys.executable, __file__, "--child", *asked],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"POCKETBENCH_CACHE": cache},
        )
        assert child.stdout is not None
        printed = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
    record: dict[str, Any] = {"network": name, "files": []}
    if child.returncode == 0:
        record |= json.loads(printed.splitlines()[-1])
    else:
        record["error"] = f"the process ended with status {child.returncode}"
    return record | {"wall_s": round(seconds, 1), "peak_bytes": usage.ru_maxrss << 10}


def exported(name: str, formats: Sequence[str], precisions: Sequence[str]) -> dict[str, Any]:
    """The child: every wanted file of one network, described."""
    [entry] = catalog([name])
    wanted = [
        Request(name, format, precision)
        for format, offered in PRECISIONS.items()
        for precision in offered
        if format in formats and precision in precisions
    ]
    results = ensure(wanted, jobs=1)
    return {
        "family": entry.family,
        "tags": entry.tags,
        "params": entry.params,
        "weights": entry.weights.kind,
        "files": [described(request, one) for request, one in zip(wanted, results, strict=True)],
    }


def described(request: Request, one: Exported | Failed) -> dict[str, Any]:
    """One file as its record holds it."""
    row: dict[str, Any] = {"format": request.format, "precision": request.precision}
    if isinstance(one, Failed):
        return row | {"error": one.message}
    artifact = one.artifact
    return row | {
        "seconds": round(one.seconds, 1),
        "size_bytes": artifact.size_bytes,
        "operators": len(artifact.operators),
        "macs": artifact.macs,
        "delegation": artifact.delegation and artifact.delegation.model_dump(mode="json"),
        "agreement": artifact.agreement and artifact.agreement.model_dump(mode="json"),
        "calibration": artifact.calibration,
    }


def read(records: Path) -> list[dict[str, Any]]:
    """Every record, oldest first."""
    return [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()] if records.exists() else []


if __name__ == "__main__":
    sys.exit(main())
