"""One agent process that predicts: shards are pushed while it runs, its answers are taken as they come."""

from __future__ import annotations

import queue
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.shards import END, PackedShard
from bench.job import RUNTIME_OF, job_text, runtime_options
from bench.transports.protocol import Completed
from bench.trial import STDERR_KEPT, Station
from foundation.artifact import Artifact
from foundation.errors import DeviceError
from results.accuracy_evidence import Predictions, Session, parse_predictions
from results.evidence import Cell

IN_FLIGHT: Final = 3  # shards on the device: one that runs, two that wait
ANSWER_S: Final = 1800.0  # a shard takes seconds; the slowest network on an emulated board some minutes
LONGEST_S: Final = 14 * 86400.0  # poll() takes at most 24 days
# How long the agent waits for a shard. An idle emulated board's clock jumps from timer to timer, so there the same
# wait is over far sooner.
PATIENCE: Final = {"nanoseconds": "600000000000", "instructions": "1000000000000000"}

Outputs = NDArray[np.float32]  # (pictures, classes)
OnShard = Callable[[PackedShard, Predictions, Outputs | None], None]


class _Ended(Exception):
    """The agent ended before it had answered for every shard."""


class Predicting:
    """Feeds one agent process on `station` with shards of pictures for `cell`; use it once."""

    def __init__(self, station: Station, cell: Cell, artifact: Artifact, model: Path, on_shard: OnShard) -> None:
        self._station = station
        self._cell = cell
        self._artifact = artifact
        self._model = model
        self._on_shard = on_shard
        self._transport = station.device.transport
        self._folder = f"{station.device.workdir}/shards"  # the device is locked: nobody else writes there
        self._lines: list[str] = []
        self._answers: queue.Queue[Predictions | None] = queue.Queue()
        self._sent: deque[PackedShard] = deque()
        self._number = 0  # of the next shard to push
        self._taken = 0

    def run(self, shards: Iterable[PackedShard], first: int) -> Session:
        """Predict for all shards, the first of which begins at picture `first`; `on_shard` sees each as it is done.

        A lost device is a Session without exit status, a failed agent one with its `error` line: neither is raised.
        Whatever else happens (Ctrl-C, an unusable data set) ends the agent and passes through.
        """
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        clock = time.perf_counter_ns()
        ended = error = None
        with ThreadPoolExecutor(1, "agent") as thread:
            try:
                ended = self._fed(shards, thread)
                self._transport.run(["rm", "-rf", self._folder])
            except DeviceError as lost:
                error = lost.message
                self._transport.close()  # the thread's run ends with it
            except BaseException:
                self._transport.close()
                raise
        return Session(
            cell=self._cell.id,
            first=first,
            started=started,
            host_ns=time.perf_counter_ns() - clock,
            exit_status=None if ended is None or error else ended.exit_status,
            signal=ended.signal if ended else None,
            error=error,
            lines=tuple(self._lines),
            stderr=ended.stderr[-STDERR_KEPT:] if ended else "",
        )

    def _fed(self, shards: Iterable[PackedShard], thread: ThreadPoolExecutor) -> Completed:
        self._transport.run(["rm", "-rf", self._folder])
        self._push_job()
        agent: Future[Completed] | None = None
        try:
            for shard in shards:
                if shard.pictures == 0:
                    self._drain()
                    self._on_shard(
                        shard, Predictions(kind="predictions", shard=0, waited_ns=0, busy_ns=0, top5=()), None
                    )
                    continue
                while len(self._sent) >= IN_FLIGHT:
                    self._take()
                self._push(shard.data)
                self._sent.append(replace(shard, data=b""))  # its pictures are on the device now
                agent = agent or thread.submit(self._agent)  # it finds its first shard there
            self._push(END)
            self._drain()
        except _Ended:
            pass  # its own lines, or its future, say why
        return (agent or thread.submit(self._agent)).result()

    def _agent(self) -> Completed:
        try:
            return self._transport.run(
                [*self._station.bundle.command, self._station.job_path()],
                cwd=self._station.folder,
                env={"ORT_DISABLE_TELEMETRY": "1", "HOME": f"{self._station.device.workdir}/scratch"},
                deadline_s=LONGEST_S,
                on_line=self._hear,
            )
        finally:
            self._answers.put(None)

    def _hear(self, line: str) -> None:
        if line.startswith('{"kind":"predictions"'):
            self._answers.put(parse_predictions(line))
        else:
            self._lines.append(line)

    def _drain(self) -> None:
        while self._sent:
            self._take()

    def _take(self) -> None:
        """Wait for the oldest shard on the device. Raises _Ended, DeviceError."""
        try:
            answer = self._answers.get(timeout=ANSWER_S)
        except queue.Empty:
            raise DeviceError(
                f"{self._transport.name} predicted nothing for {ANSWER_S:g} s",
                hint="see `bench doctor`",
                retryable=True,
            ) from None
        if answer is None:
            raise _Ended
        shard = self._sent.popleft()
        expected, self._taken = self._taken, self._taken + 1
        if answer.shard != expected or len(answer.top5) != shard.pictures:
            raise DeviceError(
                f"{self._transport.name} answered for {len(answer.top5)} pictures of shard {answer.shard}, "
                f"not {shard.pictures} of shard {expected}"
            )
        outputs = self._pulled(answer.shard, shard.pictures) if shard.compared else None
        self._on_shard(shard, answer, outputs)

    def _pulled(self, number: int, pictures: int) -> Outputs:
        with tempfile.TemporaryDirectory(prefix="pocketbench-outputs-") as folder:
            local = Path(folder) / "outputs"
            self._transport.pull(f"{self._folder}/shard.{number}.outputs", local)
            return np.fromfile(local, dtype="<f4").reshape(pictures, -1)

    def _push(self, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(prefix="pocketbench-shard-") as file:
            file.write(data)
            file.flush()
            self._transport.push(Path(file.name), f"{self._folder}/shard.{self._number}")
        self._number += 1

    def _push_job(self) -> None:
        station = self._station
        text = job_text(
            self._cell,
            self._artifact,
            library=f"./{station.bundle.library(RUNTIME_OF[self._cell.format])}",
            model=station.device.stage.put(self._model, self._artifact.sha256),
            scratch=f"{station.device.workdir}/scratch",
            cores=self._cell.cores,
            clock=station.device.clock,
            seed=station.seed,
            options=runtime_options(
                self._artifact, station.device.target, station.device.texts.get("/proc/cpuinfo", "")
            ),
            settings={"shards": f"{self._folder}/shard", "patience_ns": PATIENCE[station.device.clock]},
        )
        with tempfile.NamedTemporaryFile("w", prefix="job.") as job:
            job.write(text)
            job.flush()
            self._transport.push(Path(job.name), station.job_path())
