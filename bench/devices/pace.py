"""Pacing: a trial starts when the device is as cool and as fast as it can be, or when waiting has become too long.

Fast means: the agent's calibration kernel, about 50 ms of fixed work, takes at most 1.10 times the device's own
baseline, the fastest it has ever been seen. Cool means: Android's thermal status is none, or a Raspberry Pi's
firmware limits nothing now.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from bench.devices.device import Device
from bench.devices.state import shell_state, thermal_of, throttled_of
from foundation.cache import cache_root, storage_error
from foundation.errors import DeviceError
from foundation.record import Record
from results.device_state.thermal import STATUS_NAMES
from results.evidence import State, parse_line

CALIBRATION_NS = 50_000_000
_PAUSE_S = 5.0


class Readiness(Record):
    """What was found before a trial. `reasons`: why the device is not ready; empty when it is."""

    slowdown: float | None  # times the baseline; None: the kernel was not run
    reasons: tuple[str, ...]
    waited_s: float = 0.0

    @property
    def ready(self) -> bool:
        """A trial may start."""
        return not self.reasons


@dataclass
class Pacer:
    """Paces one device. `command` starts the agent inside `folder` on the device; `bundle` is its digest: another
    agent's kernel is other work. `say` hears the countdown, `sleep` is replaced in tests."""

    device: Device
    command: Sequence[str]
    folder: str
    bundle: str
    say: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    _baselines: dict[str, int] = field(default_factory=dict)

    def wait(self, cores: str) -> Readiness:
        """Wait until the device is ready, at most its profile's `limits.wait_s`; says what it waits for.

        What is returned goes into the evidence: giving up is not an error, but the verdict must know.
        Raises DeviceError when the device is lost.
        """
        limit = self.device.profile.limits.wait_s
        waited = 0.0
        while True:
            found = self.check(cores)
            if found.ready or waited >= limit:
                if not found.ready:
                    self.say(f"{self.device.name}: measuring anyway after {waited:.0f} s: {'; '.join(found.reasons)}")
                return found.model_copy(update={"waited_s": waited})
            self.say(f"{self.device.name}: waiting up to {limit - waited:.0f} s more: {'; '.join(found.reasons)}")
            pause = min(_PAUSE_S, limit - waited)
            self.sleep(pause)
            waited += pause

    def check(self, cores: str) -> Readiness:
        """Look once."""
        reasons: list[str] = []
        texts = shell_state(self.device)
        thermal = thermal_of(texts)
        if thermal is not None and thermal.status:
            reasons.append(f"thermal status is {_status_name(thermal.status)}")
        throttled = throttled_of(texts)
        if throttled is not None and throttled.now:
            reasons.append(f"the firmware reports {', '.join(throttled.now)}")
        duration = self._calibrated(cores)
        baseline = self._baseline(cores, duration)
        slowdown = duration / baseline
        limit = self.device.profile.limits.slowdown
        if slowdown > limit:
            reasons.append(f"the calibration kernel takes {slowdown:.2f} times its baseline (limit {limit:.2f})")
        return Readiness(slowdown=slowdown, reasons=tuple(reasons))

    def _calibrated(self, cores: str) -> int:
        """The kernel's fastest repetition, in nanoseconds."""
        done = self.device.transport.run(
            [*self.command, "--state", str(CALIBRATION_NS), cores], cwd=self.folder, deadline_s=60
        )
        try:
            state = parse_line(done.stdout.strip())
        except ValidationError as error:
            raise DeviceError(
                f"{self.device.name}: the agent did not tell its state: {(done.stderr or done.stdout)[-300:].strip()}",
                hint="`bench doctor` checks the agent",
            ) from error
        if not isinstance(state, State) or not state.calibration_ns:
            raise DeviceError(f"{self.device.name}: the agent ran no calibration kernel", hint="`bench doctor`")
        return min(state.calibration_ns)

    def _baseline(self, cores: str, duration: int) -> int:
        """The fastest ever seen on these cores with this agent, `duration` included; kept on this computer."""
        key = f"{self.bundle[:16]} {cores}"
        path = self._path()
        known = {**_read(path), **self._baselines}
        best = min(duration, known.get(key, duration))
        if known.get(key) != best:
            self._baselines[key] = best
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({**known, key: best}, indent=1, sort_keys=True))
            except OSError as error:
                raise storage_error(error, path) from error
        return best

    def _path(self) -> Path:
        name = re.sub(r"[^A-Za-z0-9._-]", lambda match: f"%{ord(match[0]):x}", self.device.name)
        return cache_root() / "baselines" / f"{name}.json"


def _status_name(status: int) -> str:
    return STATUS_NAMES[status] if 0 <= status < len(STATUS_NAMES) else str(status)


def _read(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # none yet, or a damaged file: the baseline is found anew
    return {str(key): int(value) for key, value in found.items()} if isinstance(found, dict) else {}
