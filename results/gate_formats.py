"""A gate's report as JUnit XML, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from foundation.cache import written_whole
from results.gate import Finding, GateReport

_CONTROL: Final = {code: "?" for code in range(32) if code not in (9, 10, 13)}


def junit(report: GateReport) -> str:
    """A test suite with a case for each finding: FAIL is a failure, INCONCLUSIVE an error."""
    failed, unknown = (sum(f.decision == name for f in report.findings) for name in ("FAIL", "INCONCLUSIVE"))
    suite = ElementTree.Element(
        "testsuite",
        name="bench check",
        tests=str(len(report.findings)),
        failures=str(failed),
        errors=str(unknown),
    )
    for finding in report.findings:
        name = finding.what + (f" {finding.operator}" if finding.operator else "")
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(finding.cell), name=_clean(name))
        if finding.decision != "PASS":
            kind = "failure" if finding.decision == "FAIL" else "error"
            ElementTree.SubElement(case, kind, message=_clean(finding.message), type=finding.decision)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold; names come from model files."""
    return text.translate(_CONTROL)


def markdown(report: GateReport) -> str:
    """The headline, then a table of what is not a PASS, then a table of the cells."""
    lines = [
        f"**{_escaped(report.headline)}**",
        "",
        f"baseline `{report.baseline}`, candidate `{report.candidate}`",
        "",
    ]
    bad = [finding for finding in report.findings if finding.decision != "PASS"]
    if bad:
        lines += ["| decision | cell | what | operator | before | after | ratio | limit |", "|---" * 8 + "|"]
        lines += [_row(finding) for finding in bad]
        lines.append("")
    lines += ["| cell | what | ratio | interval | limit |", "|---" * 5 + "|"]
    for finding in report.findings:
        if finding.ratio is not None and finding.what in ("instructions", "latency"):
            interval = "" if finding.low is None else f"{finding.low:.3f} - {finding.high:.3f}"
            cells = (finding.cell, finding.what, f"{finding.ratio:.4f}", interval, _number(finding.limit))
            lines.append("| " + " | ".join(map(_escaped, cells)) + " |")
    return "\n".join(lines) + "\n"


def _row(finding: Finding) -> str:
    figures = map(_number, (finding.before, finding.after, finding.ratio, finding.limit))
    texts = (finding.decision, finding.cell, finding.what, finding.operator or "", *figures)
    return "| " + " | ".join(map(_escaped, texts)) + " |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}" if value < 100 else f"{value:,.0f}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def to_json(report: GateReport) -> str:
    """The whole report, its headline first."""
    return f'{{"headline":{json.dumps(report.headline)},{report.to_json()[1:]}\n'


FORMATS: Final[dict[str, Callable[[GateReport], str]]] = {"junit": junit, "markdown": markdown, "json": to_json}


def write(report: GateReport, format: str, path: Path) -> None:
    """Write one format to a file. Raises StorageError when it cannot be written."""
    with written_whole(path) as temporary:
        temporary.write_text(FORMATS[format](report), encoding="utf-8")
