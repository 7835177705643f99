"""onnxruntime_perf_test's summary, since 2019 in three spellings, and onnxruntime's profile, whole or cut."""

from __future__ import annotations

import json
import re
from typing import Final

from foundation.record import Record
from results.device_state.numbers import decimal

_LATENCIES = re.compile(r"^[ \t]*(Min|Max|P\d+) Latency(?::| is) ?([-+.\deE]+) ?s", re.MULTILINE)
_FIELDS: Final = {
    "session_s": r"^[ \t]*Session creation time cost: ?([-+.\deE]+) s",
    "first_ms": r"^[ \t]*First inference time cost: ?([-+.\deE]+) ms",
    "total_s": r"^[ \t]*Total (?:inference )?time cost: ?([-+.\deE]+)",
    "average_ms": r"^[ \t]*Average (?:inference )?time cost(?: total)?: ?([-+.\deE]+) ms",
    "per_second": r"^[ \t]*Number of inferences per second: ?([-+.\deE]+)",
    "cpu_percent": r"^[ \t]*(?:Avg|Total) CPU usage: ?([-+.\deE]+)",
    "requests": r"^[ \t]*Total (?:inference requests|iterations): ?(\d+)",
    "peak_bytes": r"^[ \t]*Peak working set size: ?(\d+)",
}


class PerfTest(Record):
    """None: not printed. `latency_s`: "Min", "P50", ... -> seconds. `cpu_percent` of one core is 100."""

    session_s: float | None
    first_ms: float | None
    total_s: float | None
    average_ms: float | None
    per_second: float | None
    cpu_percent: float | None
    requests: int | None
    peak_bytes: int | None
    latency_s: dict[str, float]


class ProfileEvent(Record):
    """One event of a profile. `op_type` and `provider` are those of a Node event."""

    category: str
    name: str
    duration_us: int
    op_type: str | None = None
    provider: str | None = None


def parse_perf_test(text: str) -> PerfTest:
    """Read the summary; a run that failed has no average."""
    text = text.replace("\r", "")
    found = {name: re.search(pattern, text, re.MULTILINE) for name, pattern in _FIELDS.items()}
    values = {name: decimal(match[1]) if match else None for name, match in found.items()}
    requests, peak = values.pop("requests"), values.pop("peak_bytes")
    return PerfTest(
        **values,
        requests=None if requests is None else int(requests),
        peak_bytes=None if peak is None else int(peak),
        latency_s={name: value for name, said in _LATENCIES.findall(text) if (value := decimal(said)) is not None},
    )


def parse_profile(text: str) -> tuple[ProfileEvent, ...]:
    """Events of a profile, line by line: one that is cut short still tells its name and duration.

    A profile that another tool has laid out anew is read as a whole.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        return tuple(event for one in whole if isinstance(one, dict) and (event := _record(one)))
    found = []
    for line in text.replace("\r", "").split("\n"):
        if event := _event(line.strip().strip("[],").strip()):
            found.append(event)
    return tuple(found)


def _event(line: str) -> ProfileEvent | None:
    if not line.startswith("{"):
        return None
    try:
        whole = json.loads(line)
    except (ValueError, RecursionError):
        whole = {key: _text(line, key) for key in ("cat", "name", "dur")}
        whole["args"] = {key: _text(line, key) for key in ("op_name", "provider")}
    return _record(whole)


def _record(whole: dict[str, object]) -> ProfileEvent | None:
    category, name, duration = whole.get("cat"), whole.get("name"), decimal(str(whole.get("dur")))
    if not isinstance(category, str) or not isinstance(name, str) or not category or not name or duration is None:
        return None
    arguments = whole.get("args")
    said = (
        {key: value for key, value in arguments.items() if isinstance(value, str)}
        if isinstance(arguments, dict)
        else {}
    )
    return ProfileEvent(
        category=category,
        name=name,
        duration_us=int(duration),
        op_type=said.get("op_name"),
        provider=said.get("provider"),
    )


def _text(line: str, key: str) -> str | None:
    match = re.search(rf'"{key}"\s*:\s*(?:"([^"]*)"|(\d+))', line)
    return (match[1] if match[1] is not None else match[2]) if match else None
