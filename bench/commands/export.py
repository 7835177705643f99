"""`bench export`: networks into model files, without measuring them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from exporters.service import Exported, Failed, Request


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    selection: Annotated[list[str], typer.Argument(help="Networks: names, families, globs, tags such as all.")],
    formats: Annotated[list[str] | None, typer.Option(help="onnx, tflite.")] = None,
    precisions: Annotated[list[str] | None, typer.Option(help="fp32, fp16, int8.")] = None,
    weights: Annotated[str, typer.Option(help="default, torchvision, timm, or a file of tensors.")] = "default",
    jobs: Annotated[int, typer.Option(min=1, help="Networks exported side by side.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Folder that gets a copy of each file and its record.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a list of artifacts as JSON.")] = False,
) -> int:
    """Export networks to model files; what the cache already holds is not made again.

    Without --precisions: fp32 and int8, and fp16 for tflite.
    """
    import json as encoder

    from bench.options import listed, merged
    from bench.progress import export_progress, messages
    from bench.sources import requests
    from exporters.service import Exported, ensure
    from foundation.errors import Exit

    given: dict[str, object] = {"models": listed(selection), "weights": weights, "jobs": jobs}
    given |= {"formats": listed(formats)} if formats else {}
    given |= {"precisions": listed(precisions)} if precisions else {}
    wanted = requests(merged({}, given))
    if out is not None:
        check_folder(out)
    console = messages()
    with export_progress(console) as on_event:
        results = ensure(wanted, jobs=jobs, on_event=on_event)
    if out is not None:
        results = [copied(one, out) if isinstance(one, Exported) else one for one in results]
    if json:
        print(encoder.dumps([row(request, one) for request, one in zip(wanted, results, strict=True)], indent=1))
    else:
        print_table(wanted, results)
    failed = [one for one in results if not isinstance(one, Exported)]
    for failure in failed:
        console.print(f"error: {failure.message}", style="red", markup=False)
        if failure.hint:
            console.print(f"hint: {failure.hint}", markup=False)
    return Exit.EXPORT if failed else Exit.OK


def check_folder(folder: Path) -> None:
    """Raises StorageError where nothing can be written into `folder`: before the work, not after it."""
    import tempfile

    from foundation.cache import storage_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise storage_error(error, folder) from error


def copied(one: Exported, folder: Path) -> Exported:
    """The artifact as NETWORK_PRECISION.FORMAT in `folder`, its record beside it. Raises StorageError."""
    import shutil
    from dataclasses import replace

    from foundation.cache import written_whole

    place = folder / f"{one.path.stem}_{one.artifact.precision}{one.path.suffix}"
    with written_whole(place) as temporary:
        shutil.copyfile(one.path, temporary)
    with written_whole(place.with_name(f"{place.name}.json")) as temporary:
        temporary.write_text(one.artifact.to_json(indent=1), encoding="utf-8")
    return replace(one, path=place)


def row(request: Request, one: Exported | Failed) -> dict[str, Any]:
    """One artifact or failure for --json."""
    from exporters.service import Exported

    wanted = {"network": request.network, "format": request.format, "precision": request.precision}
    if not isinstance(one, Exported):
        return wanted | {"error": one.message, "hint": one.hint}
    artifact = one.artifact
    return wanted | {
        "path": str(one.path),
        "cached": one.cached,
        "seconds": round(one.seconds, 2),
        "sha256": artifact.sha256,
        "size_bytes": artifact.size_bytes,
        "params": artifact.params,
        "macs": artifact.macs,
        "operators": len(artifact.operators),
        "weights": artifact.weights.kind,
        "delegation": artifact.delegation and artifact.delegation.model_dump(mode="json"),
        "agreement": artifact.agreement and artifact.agreement.model_dump(mode="json"),
    }


def print_table(wanted: Sequence[Request], results: Sequence[Exported | Failed]) -> None:
    """What was made, a row an artifact, in at most 100 columns."""
    from rich.table import Table

    from bench.tables import console
    from exporters.service import Exported

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("network", "format", "prec."):
        table.add_column(name, overflow="fold")
    for name in ("MB", "ops", "M MACs", "partitions", "SQNR dB", "top-1 =", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for request, one in zip(wanted, results, strict=True):
        name, format, precision = request.network, request.format, request.precision
        if not isinstance(one, Exported):
            table.add_row(name, format, precision, "failed", *[""] * 6, style="red")
            continue
        artifact = one.artifact
        agreement, delegation = artifact.agreement, artifact.delegation
        table.add_row(
            name + ("*" if artifact.weights.kind == "random" else ""),
            format,
            precision,
            f"{artifact.size_bytes / 1e6:.1f}",
            str(len(artifact.operators)),
            f"{artifact.macs / 1e6:.1f}",
            "-" if delegation is None else str(delegation.partitions),
            "-" if agreement is None else "equal" if agreement.sqnr_db is None else f"{agreement.sqnr_db:.1f}",
            "-" if agreement is None else f"{agreement.top1:.2f}",
            "cached" if one.cached else f"{one.seconds:.1f}",
        )
    out = console()
    out.print(table)
    if any(isinstance(one, Exported) and one.artifact.weights.kind == "random" for one in results):
        out.print("* random weights: their agreement says how int8 treats such values, not trained ones")
