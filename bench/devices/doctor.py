"""Checks of everything that a first run needs, each with the command that cures it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from bench.devices.inventory import inventory
from bench.devices.profiles import config_path, load_profiles
from bench.transports.adb import no_server, server_address, server_runs
from foundation.cache import cache_root
from foundation.errors import PocketbenchError
from foundation.record import Record

NEEDED_BYTES = 2 << 30  # exports of the whole zoo, bundles and the board's image
_RUNTIMES = ("onnxruntime", "ai-edge-litert", "ziglang")
_EXPORT = ("torch", "onnxscript", "litert-torch", "ai-edge-quantizer")


class Check(Record):
    """One finding. `needed`: "run" for every run, else what it is needed for. `cure` is a command or a sentence."""

    name: str
    state: Literal["ok", "missing", "broken"]
    said: str
    needed: str
    cure: str = ""


def checks() -> Iterator[Check]:
    """All of them, in the order in which a first run meets them. None changes anything but the cache's own folder."""
    for name in _RUNTIMES:
        yield _package(name, "run", "pip install -e .")
    for name in _EXPORT:
        yield _package(name, "export", "pip install -e '.[export]'")
    yield _cache()
    yield _free_space()
    yield _guarded("agent", "run", "see the message; `bench agent build` repeats it", _agent)
    yield _guarded("configuration", "run", f"correct {config_path()}", _configuration)
    yield _program("adb", "phones", "apt-get install adb")
    host, port = server_address()
    if server_runs():
        yield Check(name="adb server", state="ok", said=f"answers at {host}:{port}", needed="phones")
    else:
        absent = no_server()
        yield Check(name="adb server", state="missing", said=absent.message, needed="phones", cure=absent.hint)
    yield _library("libusb-1.0", "phones without an adb server", "apt-get install libusb-1.0-0")
    yield from _devices()
    yield _program("qemu-system-aarch64", "emulated board", "apt-get install qemu-system-arm")
    yield _program(
        "apt-get", "emulated board, android bundles", "Debian packages are fetched with it: use Debian or Ubuntu"
    )


def _package(name: str, needed: str, cure: str) -> Check:
    try:
        return Check(name=name, state="ok", said=version(name), needed=needed)
    except PackageNotFoundError:
        return Check(name=name, state="missing", said="not installed", needed=needed, cure=cure)


def _program(name: str, needed: str, cure: str) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(name=name, state="missing", said="not found", needed=needed, cure=cure)
    return Check(name=name, state="ok", said=path, needed=needed)


def _library(name: str, needed: str, cure: str) -> Check:
    if importlib.util.find_spec("usb1") is None:
        return Check(
            name=name,
            state="missing",
            said="the python package libusb1 is not installed",
            needed=needed,
            cure="pip install libusb1",
        )
    try:
        import usb1

        usb1.getVersion()
    except OSError as error:
        return Check(name=name, state="missing", said=str(error), needed=needed, cure=cure)
    return Check(name=name, state="ok", said="found", needed=needed)


def _cache() -> Check:
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        cure = "free space there, or set POCKETBENCH_CACHE to another folder"
        return Check(name="cache", state="broken", said=f"{root}: {error.strerror or error}", needed="run", cure=cure)
    return Check(name="cache", state="ok", said=str(root), needed="run")


def _free_space() -> Check:
    root: Path = cache_root()
    while not root.exists():
        root = root.parent
    free = shutil.disk_usage(root).free
    said = f"{free / 1e9:.1f} GB free at {root}"
    if free < NEEDED_BYTES:
        cure = f"free {(NEEDED_BYTES - free) / 1e9:.1f} GB, or set POCKETBENCH_CACHE to another disk"
        return Check(name="disk", state="broken", said=said, needed="run", cure=cure)
    return Check(name="disk", state="ok", said=said, needed="run")


def _agent() -> str:
    """Build or find this machine's agent, and start it."""
    from device_agents.bundle import bundle
    from device_agents.targets import own_target

    made = bundle(own_target().name)
    agent = next(path for name, path in made.files.items() if name == "agent")
    answer = subprocess.run([agent, "--version"], capture_output=True, text=True, timeout=60, check=False)
    if answer.returncode != 0:
        raise PocketbenchError(f"{agent} does not start: {answer.stderr.strip() or answer.returncode}")
    return answer.stdout.strip()


def _configuration() -> str:
    own = [profile.name for profile in load_profiles().values() if not profile.builtin]
    return f"{config_path()}: {', '.join(own)}" if own else f"no profiles of your own ({config_path()})"


def _guarded(name: str, needed: str, cure: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name=name, state="ok", said=check(), needed=needed)
    except PocketbenchError as error:
        return Check(name=name, state="broken", said=error.message, needed=needed, cure=error.hint or cure)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name=name, state="broken", said=str(error), needed=needed, cure=cure)


def _devices() -> Iterator[Check]:
    try:
        found, _ = inventory()
    except PocketbenchError as error:
        yield Check(name="devices", state="broken", said=error.message, needed="run", cure=error.hint)
        return
    for device in found:
        ready = device.state in ("ready", "in use", "not running")
        yield Check(
            name=f"device {device.name}",
            state="ok" if ready else "broken",
            said=device.state + (f" ({device.model})" if device.model else ""),
            needed="that device",
            cure=device.cure,
        )
