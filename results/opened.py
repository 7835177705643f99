"""A run for Python: its cells, operators and samples as pandas or Arrow tables."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from results.derive import cell_evidence
from results.store import Evidence, open_run
from results.tables import cells_table, operators_table, samples_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class OpenedRun:
    """One run, derived from its evidence when first asked. Columns are those of the run's Parquet tables."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def cells_arrow(self) -> pa.Table:
        """One row a cell: latency with its interval, costs, verdict."""
        return cells_table(self.evidence, cell_evidence(self.evidence))

    @cached_property
    def operators_arrow(self) -> pa.Table:
        """One row an operator of a profiled inference; `duration` in clock units."""
        return operators_table(self.evidence.run, cell_evidence(self.evidence))

    @cached_property
    def samples_arrow(self) -> pa.Table:
        """One row a timed inference; `wall` and `cpu` in clock units."""
        return samples_table(self.evidence.run, cell_evidence(self.evidence))

    @property
    def cells(self) -> pd.DataFrame:
        """`cells_arrow` as pandas."""
        return self.cells_arrow.to_pandas()

    @property
    def operators(self) -> pd.DataFrame:
        """`operators_arrow` as pandas."""
        return self.operators_arrow.to_pandas()

    @property
    def samples(self) -> pd.DataFrame:
        """`samples_arrow` as pandas."""
        return self.samples_arrow.to_pandas()

    def __repr__(self) -> str:
        run = self.evidence.run
        return f"<run {run.id}: {len(run.cells)} cells, {len(self.evidence.trials)} trials>"


def opened(run: str | Path, runs: str | Path) -> OpenedRun:
    """See results.open."""
    return OpenedRun(open_run(Path(runs), str(run)))
