"""Ask a device for its ceilings once a run, for the roofline: a second or two for each thread count."""

from __future__ import annotations

from collections.abc import Sequence

from bench.trial import Station
from foundation.errors import DeviceError
from results.ceilings import PROBE_TEXT


def probe(station: Station, threads: Sequence[int], cores: str) -> dict[str, str]:
    """What the agent's probe printed for each thread count, by the name under which evidence keeps it.

    Empty where the clock counts instructions: there is no rate to reach. Raises DeviceError when the probe fails.
    """
    if station.device.clock == "instructions":
        return {}
    texts = {}
    for count in threads:
        ended = station.device.transport.run(
            [*station.bundle.command, "--probe", str(count), cores], cwd=station.folder, deadline_s=120
        )
        if ended.exit_status != 0:
            said = (ended.stderr or ended.stdout).strip().splitlines()
            raise DeviceError(f"{station.device.name}: the probe failed: {said[-1] if said else ended.exit_status}")
        texts[f"{PROBE_TEXT} {count}"] = ended.stdout.strip()
    return texts
