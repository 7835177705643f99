"""The export children: started, fed one network at a time, listened to, and ended whatever happens."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporters import shelf

if TYPE_CHECKING:
    from exporters.service import Request

Settle = Callable[["Request", float, tuple[str, str] | None], None]  # request, seconds, (message, hint) of a failure
Stage = Callable[[str, str], None]  # network, what is being done


@dataclass
class Child:
    """One worker process with the requests of the network that it is exporting."""

    process: subprocess.Popen[bytes]
    log: Path
    network: str = ""
    pending: list[Request] = field(default_factory=list)
    unread: bytes = b""


class Children:
    """Up to `jobs` workers; a worker takes the next network as soon as it has finished one."""

    def __init__(self, missing: Mapping[Request, str], jobs: int, folder: Path, settle: Settle, stage: Stage) -> None:
        self.keys = missing
        self.folder = folder
        self.settle = settle
        self.stage = stage
        self.queue: deque[list[Request]] = deque(_by_network(missing))
        self.jobs = max(1, min(jobs, len(self.queue)))
        self.selector = selectors.DefaultSelector()
        self.started = 0

    def run(self) -> None:
        """Until every request is settled. Whatever ends it, no child outlives it."""
        try:
            for _ in range(self.jobs):
                self._start()
            while self.selector.get_map():
                for key, _ in self.selector.select():
                    self._listen(key.data)
        finally:
            for key in list(self.selector.get_map().values()):
                self._end(key.data)
            self.selector.close()

    def _start(self) -> None:
        log = self.folder / f"child-{self.started}.log"
        self.started += 1
        with log.open("wb") as quiet:
            # --debug: what converters print, tracebacks included, goes to the terminal
            stderr = None if os.environ.get("POCKETBENCH_DEBUG") else quiet
            process = subprocess.Popen(
                [sys.executable, "-m", "exporters.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is this process's to handle
                env=os.environ | {"PYTHONPATH": import_path()},
            )
        assert process.stdout is not None
        child = Child(process, log)
        self.selector.register(process.stdout, selectors.EVENT_READ, child)
        self._feed(child)

    def _feed(self, child: Child) -> None:
        """Give the child its next network, or let it end."""
        assert child.process.stdin is not None
        child.pending = []
        if not self.queue:
            child.process.stdin.close()
            return
        child.pending = self.queue.popleft()
        first = child.pending[0]
        child.network = first.network
        job = {
            "network": first.network,
            "weights": first.weights,
            "wanted": [(request.format, request.precision, self.keys[request]) for request in child.pending],
            "folder": str(self.folder),
        }
        self.stage(child.network, "starting")
        try:
            child.process.stdin.write(json.dumps(job).encode() + b"\n")
            child.process.stdin.flush()
        except BrokenPipeError:
            return  # it has died: its closed stdout says so next

    def _listen(self, child: Child) -> None:
        assert child.process.stdout is not None
        data = os.read(child.process.stdout.fileno(), 1 << 16)
        if not data:
            self._gone(child)
            return
        *lines, child.unread = (child.unread + data).split(b"\n")
        for line in lines:
            self._handle(child, json.loads(line))

    def _handle(self, child: Child, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "stage":
            self.stage(child.network, event["text"])
        elif kind in ("made", "failed"):
            request = next(
                one for one in child.pending if (one.format, one.precision) == (event["format"], event["precision"])
            )
            child.pending.remove(request)
            failure = (event["message"], event["hint"]) if kind == "failed" else None
            self.settle(request, event.get("seconds", 0.0), failure)
        elif kind == "network_failed":
            self._fail(child, event["message"], event["hint"])
        elif kind == "idle":
            self._feed(child)

    def _gone(self, child: Child) -> None:
        """The child closed its stdout: after its last network, or in the middle of one."""
        assert child.process.stdout is not None
        self.selector.unregister(child.process.stdout)
        child.process.stdout.close()
        status = child.process.wait()
        if child.pending:
            message, hint = _crash(child.network, status, child.log)
            self._fail(child, message, hint)
        if child.process.stdin is not None and not child.process.stdin.closed:
            _close(child.process)
        if self.queue:
            self._start()

    def _fail(self, child: Child, message: str, hint: str) -> None:
        for request in child.pending:
            self.settle(request, 0.0, (message, hint))
        child.pending = []

    def _end(self, child: Child) -> None:
        child.process.kill()
        child.process.wait()
        _close(child.process)


def export(missing: Mapping[Request, str], jobs: int, settle: Settle, stage: Stage) -> None:
    """Export `missing` (request -> cache key) in up to `jobs` processes; `settle` is called once for each request.

    Raises StorageError where the cache cannot be written.
    """
    with shelf.staging() as folder:
        Children(missing, jobs, folder, settle, stage).run()


def _by_network(requests: Mapping[Request, str]) -> list[list[Request]]:
    groups: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        groups.setdefault((request.network, request.weights), []).append(request)
    return list(groups.values())


def _crash(network: str, status: int, log: Path) -> tuple[str, str]:
    """Message and hint for a child that ended in mid-network."""
    if status == -signal.SIGKILL:
        return (
            f"{network}: the export process was ended by SIGKILL",
            "out of memory? free some, or export one network at a time: --jobs 1",
        )
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{network}: the export process {how}", f"its last line: {lines[-1][:300]}" if lines else ""


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None and not stream.closed:
            try:
                stream.close()
            except BrokenPipeError:
                continue  # what was buffered for a dead child


def import_path() -> str:
    """Where this project is imported from, so that children find it from any working folder."""
    root = str(Path(__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return f"{root}{os.pathsep}{inherited}" if inherited else root
