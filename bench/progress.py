"""What a person sees of long work: bars on stderr, so that stdout stays clean for tables and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from exporters.service import Event


def messages() -> Console:
    """The console for progress and remarks."""
    return Console(stderr=True, highlight=False)


@contextmanager
def progress_bars(console: Console) -> Iterator[Progress]:
    """Bars with time left; on a console that is not a terminal nothing is drawn, and remarks still are."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield bars


@contextmanager
def export_progress(console: Console) -> Iterator[Callable[[Event], None]]:
    """A bar over the exports that are wanted; on a console that is not a terminal, a line as each file is made."""
    with progress_bars(console) as bars:
        task = bars.add_task("exports", total=None)

        def on_event(event: Event) -> None:
            bars.update(task, completed=event.done, total=event.total, description=f"{event.network}: {event.text}")
            if event.kind == "exported" and not console.is_terminal:
                console.print(f"exported {event.text} ({event.done} of {event.total})")

        yield on_event
