"""How fast each transport pushes, beside `adb push` of the same file: to a real adbd, and to the emulated board.

    python benchmarks/push_throughput.py [--megabytes 20] [--rounds 15] [--board NAME]

The ways are interleaved, so that a busy computer slows all of them alike. What is timed is the push alone, with the
device's word that it has the file; hashing it there comes after that in `bench run` and is left out. `adb push` is
timed as a person would type it, the start of its process included (some 10 ms); our connection is there already. The
real adbd runs in a network namespace (root rights). An adb server of the script's own serves both.
Bounds: adbutils at least 0.9 of `adb push`, adb-shell 0.5. Ends with 1 when one is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.transports.adb import adb_transport
from bench.transports.adb_direct import tcp_transport
from bench.transports.protocol import Transport
from bench.transports.ssh import ssh_transport
from device_agents.emulator.board import ensure_running, stop
from tests.device_agents.real_adbd import adb_server, real_adbd

BOUNDS = {"adbutils": 0.9, "adb-shell": 0.5}  # of `adb push`, DESIGN.md section 9
REMOTE = "/data/local/tmp/push-throughput"


@contextlib.contextmanager
def own_adb_server() -> Iterator[None]:
    """An adb server of our own, to which adb and our transports are led while it runs."""
    with adb_server() as environment:
        address = f"tcp:127.0.0.1:{environment['ANDROID_ADB_SERVER_PORT']}"
        with mock.patch.dict(os.environ, {"ADB_SERVER_SOCKET": address}):
            yield


def adb_push(serial: str, file: Path) -> Callable[[], None]:
    """What a person would type."""
    command = ["adb", "-s", serial, "push", str(file), f"{REMOTE}-adb"]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) and None


def pushed(transport: Transport, file: Path, name: str) -> Callable[[], None]:
    """The same file through one of our transports, its connection made beforehand."""
    transport.run(["true"])
    return lambda: transport.push(file, f"{REMOTE}-{name}")


def measure(where: str, ways: dict[str, Callable[[], None]], size: int, rounds: int) -> bool:
    """Print MB/s of each way, and its share of `adb push` round by round; whether the bounds hold. The first round is
    not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, push in ways.items():
            start = time.perf_counter()
            push()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    held = True
    for name, times in seconds.items():
        ratios = sorted(base / own for base, own in zip(seconds["adb push"], times, strict=True))
        speed = size / 1e6 / statistics.median(times)
        middle = f"{statistics.median(ratios):5.2f} x adb push ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{where:10}  {name:12} {speed:8.1f} MB/s  {middle}", flush=True)
        held &= statistics.median(ratios) >= BOUNDS.get(name, 0.0)
    return held


def ways_to(host: str, adb_port: int, file: Path) -> dict[str, Callable[[], None]]:
    """adb itself, our transport through its server, and directly."""
    serial = f"{host}:{adb_port}"
    through = pushed(adb_transport(serial), file, "adbutils")  # connects the server first
    return {
        "adb push": adb_push(serial, file),
        "adbutils": through,
        "adb-shell": pushed(tcp_transport(host, adb_port), file, "adb-shell"),
    }


def main() -> int:
    """Both places, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--board", default="throughput", help="name of the emulated board to boot; '': none")
    given = parser.parse_args()
    size = given.megabytes * 1_000_000
    with own_adb_server(), tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(size))
        file.flush()
        path = Path(file.name)
        with real_adbd() as daemon:
            held = measure("real adbd", ways_to(daemon.host, daemon.port, path), size, given.rounds)
        if given.board:
            board = ensure_running(given.board)
            try:
                ways = ways_to("127.0.0.1", board.adb_port, path)
                over = ssh_transport(
                    f"shell@127.0.0.1:{board.ssh_port}", identity=board.identity, known_hosts=board.known_hosts
                )
                held &= measure("board", {**ways, "ssh": pushed(over, path, "ssh")}, size, given.rounds)
            finally:
                stop(given.board)
    print("within the bounds" if held else "BEYOND THE BOUNDS")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
