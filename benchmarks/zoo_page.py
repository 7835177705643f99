"""docs/zoo.md as a function of the export records (benchmarks/zoo_exports.py), nothing written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Record = dict[str, Any]  # of one network in one sitting
File = dict[str, Any]  # of one artifact, with what its record says of the network

FORMS = (("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32"), ("tflite", "fp16"), ("tflite", "int8"))
OUTSIDE = {  # operator types that XNNPACK leaves to the interpreter, and why, where that was looked into
    "HARD_SWISH": "XNNPACK has no int8 hard-swish",
    "PADV2": "XNNPACK pads by zero only",
    "AVERAGE_POOL_2D": "XNNPACK averages in float only",
    "CONCATENATION": "XNNPACK joins five inputs at most, these have six",
}
TRANSPOSES = {  # network: why its transposes stay
    "shufflenet_v1": "one channel shuffle a unit, in one partition: 4.5 % of the instructions in fp32 and 16 % in int8 "
    "on the emulated board. Slices and concatenations in their place (144 and 67 of them, no transpose, float output "
    "within 3.1e-7) make it 1.1 % more instructions in fp32 and 4.3 % fewer in int8, 9 and 37 % more to load, and 2.4 "
    "times the operators; on this noisy machine 0.91 and 0.92 of the time, with intervals that overlap widely: not "
    "adopted",
    "transformer_encoder": "four a layer: queries, keys and values are split into heads, and the heads joined again",
}


def page(records: Sequence[Record], networks: Sequence[str]) -> str:
    """The whole page as Markdown. `networks` are the names that a full zoo has."""
    files = newest(records)
    whole = newest_by_network(records)
    lines = ["# The zoo, exported", "", *introduction(records, files, whole, networks)]
    lines += ["", "## Networks", "", *network_table(whole, files)]
    lines += ["", "## Files", "", *file_table(files)]
    lines += ["", "## Not one partition", "", *broken(files)]
    lines += ["", "## Transposes left", "", *transposed(files)]
    lines += ["", "## Not exported", "", *missing(files, networks), ""]
    return "\n".join(lines)


def newest(records: Sequence[Record]) -> dict[tuple[str, str, str], File]:
    """The last record of each file, smallest network first."""
    found: dict[tuple[str, str, str], File] = {}
    for record in records:
        shared = {key: value for key, value in record.items() if key != "files"}
        for file in record["files"]:
            found[record["network"], file["format"], file["precision"]] = shared | file
    cost = {name: file["params"] + file.get("macs", 0) for (name, _, _), file in found.items()}
    return dict(sorted(found.items(), key=lambda item: (cost[item[0][0]], item[0][0], FORMS.index(item[0][1:]))))


def newest_by_network(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The records of each network that a file of the page comes from."""
    used: dict[tuple[str, str, str], int] = {}
    for number, record in enumerate(records):
        for file in record["files"]:
            used[record["network"], file["format"], file["precision"]] = number
    found: dict[str, list[Record]] = {}
    for number in sorted(set(used.values())):
        found.setdefault(records[number]["network"], []).append(records[number])
    return found


def introduction(
    records: Sequence[Record],
    files: dict[tuple[str, str, str], File],
    whole: dict[str, list[Record]],
    networks: Sequence[str],
) -> list[str]:
    """What was exported, how, and what it took."""
    made = [file for file in files.values() if "error" not in file]
    used = [record for group in whole.values() for record in group]
    peak = max(used, key=lambda record: record["peak_bytes"])
    work = sum(record["wall_s"] for record in used)
    sittings = {record["sitting"]: record for record in used}
    days = sorted({min(sittings)[:10], max(sittings)[:10]})
    [cores] = {record["cores"] for record in used}
    [machine] = {record["machine"] for record in used}
    jobs = " or ".join(sorted({str(record["jobs"]) for record in used}))
    loads = sorted(record["load"] for record in used)
    return [
        f"{len(whole)} of {len(networks)} networks at their default size, {len(made)} files. Written by",
        "`python benchmarks/zoo_exports.py` from docs/zoo.jsonl, one record for each network or part of it:",
        f"made {' to '.join(days)} in {len(sittings)} sittings on {cores} cores ({machine}),",
        f"{jobs} networks side by side, each in a process of its own with an empty cache.",
        "",
        f"- Wall time of the sittings: {span(records, sittings):,.0f} s; the networks' own add up to {work:,.0f} s.",
        f"- Peak memory of one process: {peak['peak_bytes'] / 2**30:.1f} GiB ({peak['network']}).",
        f"- Other work shared the cores (load {loads[0]} to {loads[-1]}, median {loads[len(loads) // 2]}), so that the",
        "  seconds are upper bounds.",
        "",
        "A file's seconds are its wall time, the conversion to float falling on the first that needs it. Agreement is",
        "with the float network on held-out pictures: SQNR in dB over all outputs, and the share of the same first",
        "class. Networks with `*` have random weights: their agreement says how int8 treats such values, nothing of",
        "trained ones. A few pictures drive deep ones into outputs a hundred times as large as the others' and into",
        "chaos: PyTorch's EfficientNet-B2, B5 and B6 agree with themselves to 11.2, 48.7 and 9.3 dB when the input is",
        "multiplied by 1 + 1e-6, B1 to 91.0 (`python benchmarks/conditioning.py`); their fp32 files agree about as",
        "well.",
    ]


def span(records: Sequence[Record], sittings: Iterable[str]) -> float:
    """Wall seconds of the sittings: each lasts until its last network ends."""
    return sum(max(record["ended_s"] for record in records if record["sitting"] == sitting) for sitting in sittings)


def network_table(whole: dict[str, list[Record]], files: dict[tuple[str, str, str], File]) -> list[str]:
    """One row a network: what its export took."""
    lines = [
        "| network | family | params M | M MACs | wall s | peak GiB | partitions fp32, fp16, int8 | transposes |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(name for name, _, _ in files):
        records = whole[name]
        own = [file for (network, _, _), file in files.items() if network == name]
        delegations = [file.get("delegation") for file in own if file["format"] == "tflite"]
        macs = max((file.get("macs", 0) for file in own if file["precision"] == "fp32"), default=0)
        cells = (
            starred(own[0]),
            own[0]["family"],
            f"{own[0]['params'] / 1e6:.1f}",
            f"{macs / 1e6:,.0f}",
            f"{sum(record['wall_s'] for record in records):.0f}",
            f"{max(record['peak_bytes'] for record in records) / 2**30:.1f}",
            ", ".join("-" if one is None else str(one["partitions"]) for one in delegations),
            ", ".join("-" if one is None else str(one["transposes"]) for one in delegations),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def file_table(files: dict[tuple[str, str, str], File]) -> list[str]:
    """One row a file."""
    return [
        "| network | format | precision | MB | operators | M MACs | partitions | transposes | s | SQNR dB | top-1 = |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(row(file) for file in files.values()),
    ]


def row(file: File) -> str:
    """One artifact's line of the table."""
    if "error" in file:
        return f"| {file['network']} | {file['format']} | {file['precision']} | failed |" + " |" * 7
    delegation, agreement = file["delegation"], file["agreement"]
    cells = (
        starred(file),
        file["format"],
        file["precision"],
        f"{file['size_bytes'] / 1e6:.1f}",
        str(file["operators"]),
        f"{file['macs'] / 1e6:.1f}",
        "-" if delegation is None else str(delegation["partitions"]),
        "-" if delegation is None else str(delegation["transposes"]),
        f"{file['seconds']:.1f}",
        "-" if agreement is None else "equal" if agreement["sqnr_db"] is None else f"{agreement['sqnr_db']:.1f}",
        "-" if agreement is None else f"{agreement['top1']:.2f}",
    )
    return "| " + " | ".join(cells) + " |"


def starred(file: File) -> str:
    """The network's name, marked where its weights are random."""
    return str(file["network"]) + ("*" if file["weights"] == "random" else "")


def broken(files: dict[tuple[str, str, str], File]) -> list[str]:
    """TFLite files that the delegate does not take whole, with the operators that break them, and why."""
    lines = []
    for file in files.values():
        delegation = file.get("delegation")
        if delegation is None or delegation["partitions"] == 1:
            continue
        outside = delegation["undelegated"]
        counted = {kind: outside.count(kind) for kind in dict.fromkeys(outside)}
        reasons = "; ".join(
            f"{count} {kind} ({OUTSIDE.get(kind, 'not taken by the delegate')})" for kind, count in counted.items()
        )
        lines.append(f"- {file['network']} {file['precision']}: {delegation['partitions']} partitions; {reasons}")
    return lines or ["None: every TFLite file is one partition."]


def transposed(files: dict[tuple[str, str, str], File]) -> list[str]:
    """Networks with transposes in their TFLite files, and why they stay."""
    counts: dict[str, set[int]] = {}
    for file in files.values():
        delegation = file.get("delegation")
        if delegation is not None and delegation["transposes"]:
            counts.setdefault(file["network"], set()).add(delegation["transposes"])
    return [
        f"- {name}: {', '.join(map(str, sorted(found)))}; {TRANSPOSES.get(name, 'not looked into')}"
        for name, found in counts.items()
    ] or ["None."]


def missing(files: dict[tuple[str, str, str], File], networks: Sequence[str]) -> list[str]:
    """Files that failed, and files that nobody tried, with the reason."""
    lines = [
        f"- {name} {format} {precision}: {file['error']}"
        for (name, format, precision), file in files.items()
        if "error" in file
    ]
    for name in networks:
        absent = [form for form in FORMS if (name, *form) not in files]
        if absent:
            lines.append(f"- {name}: not tried: {', '.join(' '.join(form) for form in absent)}")
    return lines or ["Nothing: every file was made."]
