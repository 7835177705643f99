"""A real adbd on this machine, walled in: a network namespace of its own, an Android-like root without a libc.

adbd for Linux asks for no authorisation and listens on every address, so it may only run where nobody else gets: the
namespace has one link, to this machine, with a /30 of its own. It serves as the unprivileged user shell. Mounts and
processes live in namespaces of their own and are gone when the first process is; root rights are needed.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from device_agents.debian import fetch, unpack
from device_agents.emulator.android_root import PACKAGES, SUITE, android_root
from device_agents.emulator.cpio import Entry
from device_agents.emulator.probe import adb_answers

PORT = 5555
NUMBERS = itertools.count(1)
FIRST_PROCESS = """
mount -t proc proc {root}/proc
mount --rbind /sys {root}/sys
mount -t tmpfs -o mode=755 dev {root}/dev
mkdir {root}/dev/pts
mount -t devpts -o newinstance,ptmxmode=666,mode=600 pts {root}/dev/pts
ln -s pts/ptmx {root}/dev/ptmx
for node in null zero random urandom tty; do touch {root}/dev/$node; mount --bind /dev/$node {root}/dev/$node; done
mount -t tmpfs -o size={storage},mode=0771,uid=2000,gid=2000 tmp {root}/data/local/tmp
ip link set lo up
PATH=/system/bin:/bin ADBD_PORT={port} /usr/sbin/chroot {root} /bin/su shell -c /apex/adbd/run
"""


@dataclass(frozen=True)
class RealAdbd:
    """A running daemon; `root` is its root folder as this machine sees it, without what is mounted inside."""

    host: str
    port: int
    root: Path
    pid: int  # of a process whose end ends everything inside

    @property
    def address(self) -> str:
        """HOST:PORT, what `adb connect` takes and what adb then calls the device."""
        return f"{self.host}:{self.port}"

    def cut(self) -> None:
        """Take the cable out: the daemon and every connection are gone at once, without a word to the other side."""
        os.kill(self.pid, 9)


@contextmanager
def real_adbd(*, storage: str = "600m") -> Iterator[RealAdbd]:
    """Serve adb from an amd64 Android-like root; `storage` is the size of its /data/local/tmp, as tmpfs takes it."""
    for program in ("ip", "unshare"):
        assert shutil.which(program), f"{program} is missing: apt-get install iproute2 util-linux"
    assert os.geteuid() == 0, "a network namespace needs root"
    number = next(NUMBERS)
    namespace, link = f"pocketbench-{os.getpid()}-{number}", f"pb{os.getpid()}-{number}"
    with tempfile.TemporaryDirectory(prefix="real-adbd-") as scratch:
        root = Path(scratch, "root")
        lay_out(root)
        try:
            guest = _wire(namespace, link)
            process = subprocess.Popen(
                [
                    *("ip", "netns", "exec", namespace),
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
                    *("/bin/sh", "-e", "-c", FIRST_PROCESS.format(root=root, port=PORT, storage=storage)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            try:
                _await(process, guest)
                yield RealAdbd(guest, PORT, root, process.pid)
            finally:
                process.kill()  # unshare's --kill-child takes the first process inside along, and that all others
                process.communicate()
        finally:
            for command in (["ip", "netns", "del", namespace], ["ip", "link", "del", f"{link}h"]):
                subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


def lay_out(root: Path) -> None:
    """Write the amd64 Android-like root as folders and files."""
    with tempfile.TemporaryDirectory(prefix="real-adbd-packages-") as unpacked:
        for deb in fetch(PACKAGES, SUITE, "amd64").values():
            unpack(deb.path, Path(unpacked))
        write_tree(android_root(Path(unpacked), "amd64"), root)


def write_tree(entries: list[Entry], root: Path) -> None:
    """Files, folders and links of an archive, written out with their owners."""
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    for entry in entries:
        path = root / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = entry.mode & 0o170000
        if kind == 0o040000:
            path.mkdir(exist_ok=True)
        elif kind == 0o120000:
            path.symlink_to(entry.data.decode())
            continue
        else:
            path.write_bytes(entry.data)
        os.chown(path, entry.uid, entry.gid)
        path.chmod(entry.mode & 0o7777)


@contextmanager
def adb_server() -> Iterator[dict[str, str]]:
    """An adb server on a port of its own, with keys of its own; yields the environment that leads adb to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="adb-home-") as home:
        environment = {**os.environ, "ANDROID_ADB_SERVER_PORT": port, "HOME": home, "ADB_MDNS_AUTO_CONNECT": "0"}
        subprocess.run(["adb", "start-server"], env=environment, check=True, capture_output=True, timeout=60)
        try:
            yield environment
        finally:
            subprocess.run(["adb", "kill-server"], env=environment, check=False, capture_output=True, timeout=60)


def _wire(namespace: str, link: str) -> str:
    """Make the namespace and its link to this machine; returns the address inside."""
    used = json.loads(subprocess.check_output(["ip", "-json", "-4", "address"]))
    taken = {info["local"] for interface in used for info in interface["addr_info"]}
    subnet = next(
        f"10.83.{third}.{fourth}"
        for third in range(os.getpid() % 200, 256)
        for fourth in range(0, 256, 4)
        if f"10.83.{third}.{fourth + 1}" not in taken
    )
    base, _, last = subnet.rpartition(".")
    host, guest = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    for command in (
        f"ip netns add {namespace}",
        f"ip link add {link}h type veth peer name {link}g netns {namespace}",
        f"ip address add {host}/30 dev {link}h",
        f"ip link set {link}h up",
        f"ip -n {namespace} address add {guest}/30 dev {link}g",
        f"ip -n {namespace} link set {link}g up",
    ):
        subprocess.run(command.split(), check=True)
    return guest


def _await(process: subprocess.Popen[bytes], host: str) -> None:
    limit = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < limit:
        with suppress(OSError):
            if adb_answers(PORT, 1.0, host=host):
                return
        time.sleep(0.05)
    process.kill()
    said = process.communicate()[0].decode(errors="replace")
    raise AssertionError(f"adbd did not come up; status {process.returncode}, it said:\n{said}")
