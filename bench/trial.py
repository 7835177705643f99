"""One trial: a fresh agent process measuring one cell on an open device, returned as evidence whatever happens."""

from __future__ import annotations

import posixpath
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.devices.device import Device
from bench.devices.pace import Pacer
from bench.devices.state import shell_state
from bench.job import RUNTIME_OF, job_text, runtime_options
from device_agents.bundle import Bundle
from foundation.artifact import Artifact
from foundation.errors import DeviceError
from results.evidence import Cell, Trial

# A trial's own limits (warm-up 8 s, samples 10 s, profiled inferences) end far sooner on hardware;
# emulation is some 40 times slower. Past this the agent hangs.
DEADLINE_S = {"nanoseconds": 180.0, "instructions": 1800.0}
STDERR_KEPT = 4000  # characters


@dataclass(frozen=True)
class Station:
    """A device made ready: the agent's folder there, its files, and the settings of all its trials."""

    device: Device
    bundle: Bundle
    folder: str  # of the bundle, on the device
    settings: Mapping[str, str]
    seed: int
    pacer: Pacer | None = None

    def job_path(self) -> str:
        return f"{self.device.workdir}/job"

    def measure(self, cell: Cell, artifact: Artifact, model: Path, block: int) -> Trial:
        """Measure `cell` once. A lost device is a Trial without exit status, not an exception.

        KeyboardInterrupt ends the agent on the device and passes through.
        """
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        clock = time.perf_counter_ns()
        lines: list[str] = []
        status: int | None = None
        signal = error = None
        stderr = ""
        shell: dict[str, str] = {}
        try:
            if self.pacer is not None:
                shell["pacing"] = self.pacer.wait(cell.cores).to_json()
            self.device.stage.put_bundle(self.bundle)  # costs nothing, unless the device came back without it
            shell |= _named("before", shell_state(self.device))
            self._push_job(cell, artifact, model, block)
            ended = self.device.transport.run(
                [*self.bundle.command, self.job_path()],
                cwd=self.folder,
                env={"ORT_DISABLE_TELEMETRY": "1", "HOME": f"{self.device.workdir}/scratch"},
                deadline_s=DEADLINE_S[self.device.clock],
                on_line=lines.append,
            )
            status, signal, stderr = ended.exit_status, ended.signal, ended.stderr
            shell |= _named("after", shell_state(self.device))
        except DeviceError as lost:
            error = lost.message
        return Trial(
            cell=cell.id,
            block=block,
            started=started,
            host_ns=time.perf_counter_ns() - clock,
            exit_status=status,
            signal=signal,
            error=error,
            lines=tuple(lines),
            stderr=stderr[-STDERR_KEPT:],
            shell=shell,
        )

    def _push_job(self, cell: Cell, artifact: Artifact, model: Path, block: int) -> None:
        text = job_text(
            cell,
            artifact,
            # Relative to the bundle's folder: whatever the working folder's name holds, it cannot break a job's line.
            library=f"./{self.bundle.library(RUNTIME_OF[cell.format])}",
            model=posixpath.relpath(self.device.stage.put(model, artifact.sha256), self.folder),
            scratch=posixpath.relpath(f"{self.device.workdir}/scratch", self.folder),
            cores=cell.cores,
            clock=self.device.clock,
            seed=self.seed,
            options=runtime_options(artifact, self.device.target, self.device.texts.get("/proc/cpuinfo", "")),
            settings={**self.settings, **self._parity_settings(artifact, block)},
        )
        with tempfile.NamedTemporaryFile("w", prefix="job.") as job:
            job.write(text)
            job.flush()
            self.device.transport.push(Path(job.name), self.job_path())

    def _parity_settings(self, artifact: Artifact, block: int) -> dict[str, str]:
        """The fixed input whose float outputs the artifact records; the first block keeps what came out of it."""
        if artifact.parity is None:
            return {}
        from exporters.parity import input_file

        place = posixpath.relpath(self.device.stage.put(input_file(artifact)), self.folder)
        return {"input": f"0 {place}", **({"values": "1"} if block == 0 else {})}


def _named(when: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{when} {command}": text for command, text in texts.items()}
