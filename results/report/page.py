"""The page itself: template, style, scripts and data in one file that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from foundation.cache import written_whole
from foundation.errors import UsageError
from results import device_checks, verdicts
from results.report.payload import as_script, payload
from results.store import Evidence

SCRIPTS: Final = ("figures.js", "filters.js", "chart.js", "tables.js", "details.js", "devices.js", "report.js")

CODES: Final[dict[str, str]] = {
    "INCOMPLETE": "a planned trial did not end",
    "OUTPUT_MISMATCH": "trials differ in their output, or it strays from the float model's by less than "
    + ", ".join(f"{limit:.0f} dB ({precision})" for precision, limit in verdicts.MIN_SQNR_DB.items()),
    "FEW_SAMPLES": f"a trial has fewer than {verdicts.MIN_SAMPLES} samples "
    f"({verdicts.MIN_INSTRUCTION_SAMPLES} where instructions are counted)",
    "CONTENDED": f"more than {verdicts.MAX_DISTURBED:.0%} of the samples were disturbed by other processes",
    "NOT_WARM": "a trial was timed before its latency was steady",
    "NOISY": f"undisturbed samples vary by more than {verdicts.MAX_NOISE:.0%} (standard deviation over mean)",
    "DRIFT": f"the second half of the trials differs from the first by more than {verdicts.MAX_DRIFT:.0%}",
    "BIMODAL": f"samples fall into two groups at least {verdicts.MIN_MODE_GAP:.0%} apart",
    "THROTTLED": "the device was hot, or a fixed calibration kernel took more than "
    f"{device_checks.MAX_SLOWDOWN:.2f} times its fastest",
    "FREQUENCY_CHANGED": f"the cores' frequency moved by more than {device_checks.MAX_FREQUENCY_CHANGE:.0%}",
    "LOW_BATTERY": f"the battery was below {device_checks.MIN_BATTERY} %",
    "TRIALS_DISAGREE": f"trials vary by more than {verdicts.MAX_TRIAL_SPREAD:.0%} among themselves "
    f"({verdicts.MAX_INSTRUCTION_SPREAD:.1%} where instructions are counted)",
    "OPS_MISMATCH": f"operators sum to more than {verdicts.MAX_OPS_GAP:.0%} beside the profiled inference",
    "NOT_DELEGATED": "more operators ran outside the fast path than the file is known to leave there",
    "EMULATED": "counted in instructions on an emulated board: not a latency",
}


def write_report(runs: Sequence[Evidence], path: Path) -> int:
    """Write the report of one or more runs; returns its size in bytes.

    Raises UsageError for no run, StorageError when the file cannot be written.
    """
    text = report_html(runs)
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return len(text.encode())


def report_html(runs: Sequence[Evidence]) -> str:
    """The report as one HTML text. Scripts run only by their hashes; nothing may be fetched from anywhere."""
    if not runs:
        raise UsageError("a report needs a run")
    plotly, script = _plotly(), _script()
    title = f"Latency of {runs[0].run.id}" if len(runs) == 1 else f"Latency in {len(runs)} runs"
    parts = {
        "policy": policy(plotly, script),
        "title": html.escape(title),
        "css": _text("page.css"),
        "methods": _text("methods.html").replace("{{codes}}", _codes()),
        "footer": html.escape(f"pocketbench {runs[0].run.host.pocketbench}. This file needs no network."),
        "data": as_script(payload(runs)),
        "plotly": plotly,
        "script": script,
    }
    page = _text("page.html")
    pieces = page.split("{{")  # split once: what is filled in is never searched for markers
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += [parts[name], rest]
    return "".join(filled)


def policy(*scripts: str) -> str:
    """A Content-Security-Policy under which only these inline scripts run and nothing is loaded."""
    allowed = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts
    )
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _codes() -> str:
    rows = []
    for code in verdicts.CHECKS:
        verdict = "invalid" if code in verdicts.INVALID else "suspect"
        badge = f'<span class="badge {verdict}">{verdict}</span>'
        rows.append(
            f'    <tr><th scope="row"><code>{code}</code></th><td>{html.escape(CODES[code])}</td><td>{badge}</td></tr>'
        )
    return "\n".join(rows)


def _plotly() -> str:
    text = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    return _inline(parsed_once(text))


def parsed_once(library: str) -> str:
    """The same script with its factory in parentheses, if it is wrapped as UMD modules are, else as it was.

    V8 only skims a function on the first pass and parses it again when it is called, unless a parenthesis stands before
    it: for plotly's five megabytes 0.4 s of the 2.2 s that a report of 1,000 cells took (benchmarks/report_scale.py).
    """
    start, end = re.search(r"self : this, \(\) => \{", library), re.search(r"\}\)\);\s*\Z", library)
    if not start or not end:
        return library
    opening = start.end() - len("() => {")
    return f"{library[:opening]}({library[opening : end.start()]}}})));\n"


def _script() -> str:
    body = "\n".join(_text(name) for name in SCRIPTS)
    return _inline(f'(() => {{\n"use strict";\n{body}\n}})();')


def _inline(text: str) -> str:
    """Script text that cannot end its element early; line ends as the browser's parser normalises them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"<(/script|!--)", r"<\\\1", text, flags=re.IGNORECASE)


def _text(name: str) -> str:
    return (files("results.report") / name).read_text(encoding="utf-8")
