"""TensorFlow Lite's benchmark_model, its dialects from 2018 to LiteRT 2, as printed or through logcat.

Operator tables are read by their header's names: the percent column was never milliseconds, and the number of
columns has changed twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from foundation.record import Record
from results.device_state.numbers import decimal

_PREFIXES: Final = (
    re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] \S+\] ?"),  # TensorFlow's log
    re.compile(r"^(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d+ +(?:\d+ +\d+ +)?)?[VDIWEF][/ ]\w+ *(?:\( *\d+\))?: ?"),  # logcat
    re.compile(r"^(?:INFO|VERBOSE|WARNING|ERROR): ?"),
    re.compile(r"^\[\S+:\d+\] ?"),  # LiteRT: file and line
)
_PAIR = re.compile(r"\b(\w+)=([-+.\deE]+)")
_DELEGATED = re.compile(
    r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((\w+)\) node, yielding (\d+) partitions"
)
_HEXAGON = re.compile(r"(\w+) delegate: (\d+) nodes delegated out of (\d+) nodes with (\d+) partitions")
_TIMINGS: Final = {
    "init_us": (r"\bInit: ([-+.\deE]+)",),
    "first_us": (r"\bFirst inference: ([-+.\deE]+)",),
    "warmup_us": (r"\bWarmup \(avg\): ([-+.\deE]+)", r"\bWarmup: ([-+.\deE]+)"),
    "inference_us": (r"\bInference \(avg\): ([-+.\deE]+)", r"\bno stats: ([-+.\deE]+)"),
}


# Said when there is no inference time: by the tool, by the loader, by the shell of the phone.
_FAILURE = re.compile(
    r"^Failed to |^Could not open|^Didn't find op for builtin opcode|CANNOT LINK EXECUTABLE|not executable"
    r"|^Segmentation fault|^Aborted|^Fatal signal|: not found$|: No such file or directory$|: Permission denied$"
)


class Stats(Record):
    """A line `count=50 first=... avg=...`, in microseconds; None: not printed."""

    count: int
    first: float | None = None
    curr: float | None = None
    min: float | None = None
    max: float | None = None
    avg: float | None = None
    std: float | None = None
    p5: float | None = None
    median: float | None = None
    p95: float | None = None


class ForeignOperator(Record):
    """One row of a table in run order. `average_ms` is over all profiled runs."""

    name: str
    type: str
    average_ms: float
    first_ms: float | None
    memory_kb: float | None
    times_called: int | None


class Delegation(Record):
    """How much of a graph one delegate took."""

    delegate: str
    replaced: int
    nodes: int
    partitions: int


class BenchmarkModel(Record):
    """What one output says; None or empty: it does not say."""

    inference_us: float | None
    warmup_us: float | None
    first_us: float | None
    init_us: float | None
    inference: Stats | None
    warmup: Stats | None
    profiled: Stats | None  # the runs of the operator table
    operators: tuple[ForeignOperator, ...]
    initialization: tuple[ForeignOperator, ...]
    nodes: int | None  # "N nodes observed", of the operator table
    memory_init_mb: float | None
    memory_overall_mb: float | None
    delegations: tuple[Delegation, ...]
    failed: bool
    errors: tuple[str, ...]


def parse_benchmark_model(text: str) -> BenchmarkModel:
    """Read any of the dialects, whole or in part."""
    raw = text.replace("\r", "").split("\n")
    lines = [_bare(line) for line in raw]
    counts = [stats for line in lines if line.lstrip().startswith("count=") and (stats := _stats(line))]
    timings = {name: _timing(lines, patterns) for name, patterns in _TIMINGS.items()}
    warmup, inference = _runs(counts, timings["warmup_us"], timings["inference_us"])
    if timings["inference_us"] is None:
        timings["inference_us"] = _milliseconds(lines, "average time") or (inference.avg if inference else None)
    if timings["init_us"] is None:
        timings["init_us"] = _milliseconds(lines, "Initialized session in")
    profiled = [stats for line in lines if line.startswith("Timings (microseconds):") and (stats := _stats(line))]
    observed = [int(match[1]) for line in lines if (match := re.match(r"(\d+) nodes observed", line))]
    tables = list(_tables(lines))
    regular = [rows for section, rows in tables if section != "initialization"]
    initial = [rows for section, rows in tables if section == "initialization"]
    footprint = next((line for line in lines if line.startswith("Memory footprint delta")), "")
    memory = dict(_PAIR.findall(footprint))
    return BenchmarkModel(
        **timings,
        inference=inference,
        warmup=warmup,
        profiled=profiled[-1] if profiled else None,
        operators=regular[0] if regular else (),
        initialization=initial[0] if initial else (),
        nodes=observed[-1] if observed else None,
        memory_init_mb=decimal(memory.get("init")) or _megabytes(lines, "Init footprint"),
        memory_overall_mb=decimal(memory.get("overall")) or _megabytes(lines, "Overall footprint"),
        delegations=tuple(_delegations(lines)),
        failed=any(line.startswith("Benchmarking failed") for line in lines)
        or (timings["inference_us"] is None and any(_FAILURE.search(line) for line in lines)),
        errors=tuple(bare for line, bare in zip(raw, lines, strict=True) if re.match(r"(?:\S+ +: )?ERROR: \S", line)),
    )


def _bare(line: str) -> str:
    for prefix in _PREFIXES:
        line = prefix.sub("", line, count=1)
    return line


def _stats(line: str) -> Stats | None:
    pairs = {key: value for key, text in _PAIR.findall(line) if (value := decimal(text)) is not None}
    if pairs.get("count", 0) < 1:
        return None
    known = {key: value for key, value in pairs.items() if key in Stats.model_fields and key != "count"}
    return Stats(count=int(pairs["count"]), **known)


def _runs(
    counts: list[Stats], warmup_us: float | None, inference_us: float | None
) -> tuple[Stats | None, Stats | None]:
    """The warm-up's and the inferences' statistics: in this order when both are there, told by the average if not."""
    if len(counts) >= 2:
        return counts[-2], counts[-1]
    if not counts:
        return None, None
    only = counts[0]
    average = only.avg if only.avg is not None else only.curr
    if average is not None and average == warmup_us and average != inference_us:
        return only, None
    return None, only


def _timing(lines: list[str], patterns: tuple[str, ...]) -> float | None:
    for line in lines:
        if "timings in us" in line:
            for pattern in patterns:
                if match := re.search(pattern, line):
                    return decimal(match[1])
    return None


def _milliseconds(lines: list[str], label: str) -> float | None:
    """Microseconds of a line `label 1.5ms`."""
    for line in lines:
        if match := re.search(rf"{re.escape(label)}:? *([-+.\deE]+) ?ms", line):
            value = decimal(match[1])
            return None if value is None else value * 1000
    return None


def _megabytes(lines: list[str], label: str) -> float | None:
    for line in lines:
        if match := re.match(rf"{re.escape(label)}: *([-+.\deE]+) MB", line):
            return decimal(match[1])
    return None


def _delegations(lines: list[str]) -> Iterator[Delegation]:
    for line in lines:
        if match := _DELEGATED.search(line):
            yield Delegation(delegate=match[3], replaced=int(match[1]), nodes=int(match[2]), partitions=int(match[4]))
        elif match := _HEXAGON.search(line):
            yield Delegation(delegate=match[1], replaced=int(match[2]), nodes=int(match[3]), partitions=int(match[4]))


def _tables(lines: list[str]) -> Iterator[tuple[str, tuple[ForeignOperator, ...]]]:
    """Tables of operators ("[node type]", not the summary's "[Node type]") with the section they stand in."""
    section = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if "Profiling Info for Benchmark Initialization" in line:
            section = "initialization"
        elif "Profiling Info for Regular Benchmark Runs" in line:
            section = "regular"
        elif "[node type]" in line and "[avg ms]" in line:
            columns = re.findall(r"\[[^\]]*\]", line)
            rows = []
            while at < len(lines) and (row := _row(columns, lines[at])):
                rows.append(row)
                at += 1
            yield section, tuple(rows)


def _row(columns: list[str], line: str) -> ForeignOperator | None:
    cells = [
        cell.strip() for cell in (line.split("\t")[1:] if line.startswith("\t") else re.split(r" {2,}", line.strip()))
    ]
    if len(cells) < len(columns):
        return None
    # A name may hold a tab or two spaces: it is the last column, so the rest of the line is its.
    cells = [*cells[: len(columns) - 1], " ".join(cells[len(columns) - 1 :])]
    values = dict(zip(columns, cells, strict=True))
    average = decimal(values.get("[avg ms]"))
    if average is None:
        return None
    called = decimal(values.get("[times called]"))
    return ForeignOperator(
        name=values.get("[Name]", ""),
        type=values["[node type]"],
        average_ms=average,
        first_ms=decimal(values.get("[first]")),
        memory_kb=decimal(values.get("[mem KB]")),
        times_called=None if called is None else int(called),
    )
