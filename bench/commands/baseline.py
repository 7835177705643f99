"""`bench baseline`: what `bench check` compares with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from results.baseline import Baseline


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(name="baseline", help="Baselines for bench check.", no_args_is_help=True)
    group.command("save")(save)
    group.command("show")(show)
    app.add_typer(group)


def save(
    file: Annotated[Path, typer.Argument(help="The baseline file to write; commit it.")],
    run: Annotated[str, typer.Option(help="Path, id, unique prefix of one, or latest.")] = "latest",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Make a baseline of a run.

    Of the emulated board it holds instruction counts. Of a real device it holds no times: the model files are copied
    beside it (FILE.models/), and `bench check` measures them again next to the candidate.
    """
    from results import baseline
    from results.store import open_run

    evidence = open_run(runs, run)
    made = baseline.baseline_of(evidence)
    if made.clock == "nanoseconds":
        _copy_models(evidence.run.files, made, file)  # first: a baseline without its models is of no use
    baseline.save(made, file)
    print(f"wrote {file}: {len(made.cells)} cells of run {made.run}")


def _copy_models(files: dict[str, str], made: Baseline, file: Path) -> None:
    import shutil

    from foundation.cache import sha256_file, written_whole
    from foundation.errors import StorageError
    from results.baseline import model_file

    for cell in made.cells:
        source = Path(files[cell.sha256])
        if not source.is_file() or sha256_file(source) != cell.sha256:
            raise StorageError(f"{source} is not the file that run {made.run} measured", hint="run it again")
    for cell in made.cells:
        source = Path(files[cell.sha256])
        with written_whole(model_file(file, cell)) as temporary:
            shutil.copyfile(source, temporary)
        print(f"wrote {model_file(file, cell)}")


def show(file: Annotated[Path, typer.Argument(help="A baseline file.")]) -> None:
    """Print what a baseline holds."""
    from rich.table import Table

    from bench.tables import console
    from results import baseline

    made = baseline.load(file)
    out = console()
    table = Table(title=f"run {made.run} on {made.device}", title_justify="left", box=None, pad_edge=False)
    for name in ("cell", "M instructions", "M MACs", "MB", "operators", "sha256"):
        table.add_column(name, justify="left" if name in ("cell", "sha256") else "right")
    for cell in made.cells:
        counted = "-" if cell.instructions is None else f"{cell.instructions / 1e6:.3f}"
        sizes = f"{cell.macs / 1e6:.1f}", f"{cell.size_bytes / 1e6:.2f}"
        table.add_row(cell.name, counted, *sizes, str(len(cell.operators)), cell.sha256[:12])
    out.print(table)
    for key, value in sorted(made.environment.items()):
        out.print(f"{key}: {value}")
