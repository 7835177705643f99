"""`bench replay`: derive everything from the evidence again and compare it byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    run: Annotated[str, typer.Argument(help="Path, id, unique prefix of one, or latest.")] = "latest",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    write: Annotated[bool, typer.Option("--write", help="Write derived.json and the tables anew.")] = False,
) -> int:
    """Derive a run's results again from its evidence. Exit codes: 0 equal byte for byte, 1 not."""
    from foundation.errors import Exit
    from results.replay import differences, write_derived
    from results.store import open_run
    from results.tables import write_tables

    evidence = open_run(runs, run)
    if write:
        print(f"wrote {write_derived(evidence)}")
        for path in write_tables(evidence):
            print(f"wrote {path}")
        return Exit.OK
    changed = differences(evidence)
    if not changed:
        print(f"{evidence.run.id}: {len(evidence.trials)} trials derive to the same {len(evidence.run.cells)} cells")
        return Exit.OK
    print("\n".join(changed))
    return Exit.REGRESSION
