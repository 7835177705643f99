"""From a device's address to a transport."""

from __future__ import annotations

from bench.transports.local import LocalTransport
from bench.transports.protocol import Transport
from device_agents.emulator import board as boards
from foundation.errors import DeviceError, UsageError

VIA = ("direct", "adb", "ssh")


def transport_for(address: str) -> Transport:
    """A transport, not yet connected; an emulated board is started when it is not running.

    Through the adb server where one runs; HOST:PORT and USB are reached without one too. An emulated board is
    reached directly, or as `emulator:NAME/adb` through the server, `emulator:NAME/ssh` over ssh.
    """
    kind, _, rest = address.partition(":")
    if kind == "local":
        return LocalTransport()
    if kind == "emulator":
        return _board_transport(rest)
    if kind == "ssh":
        from bench.transports.ssh import ssh_transport

        return ssh_transport(rest)
    from bench.transports.adb import adb_transport, no_server, server_runs

    if server_runs():
        return adb_transport(rest)
    host, _, port = rest.rpartition(":")
    from bench.transports.adb_direct import tcp_transport, usb_transport

    if host and port.isdigit():
        return tcp_transport(host, int(port))
    from bench.devices.attached import usb_serials

    if rest in usb_serials():
        return usb_transport(rest)
    raise no_server()


def board_name(address: str) -> tuple[str, str]:
    """(board, way) of `emulator`, `emulator:NAME`, `emulator:NAME/adb`."""
    _, _, rest = address.partition(":")
    name, _, way = rest.partition("/")
    if way and way not in VIA:
        raise UsageError(f"{address}: a board is not reached by '{way}'", hint=f"ways are: {', '.join(VIA)}")
    return name or "default", way or "direct"


def board_at(address: str) -> boards.Board | None:
    """The running emulated board at this address, by name or by port."""
    kind, _, rest = address.partition(":")
    if kind == "emulator":
        return boards.find(board_name(address)[0])
    host, _, port = rest.rpartition("@")[2].rpartition(":")
    if kind not in ("adb", "ssh") or host not in ("127.0.0.1", "localhost") or not port.isdigit():
        return None
    return next((board for board in boards.running() if int(port) in (board.adb_port, board.ssh_port)), None)


def normal_address(address: str) -> str:
    """One name for each device, whichever way it is reached: what its lock is called."""
    if board := board_at(address):
        return f"emulator:{board.name}"
    return f"emulator:{board_name(address)[0]}" if address.partition(":")[0] == "emulator" else address


def _board_transport(rest: str) -> Transport:
    name, way = board_name(f"emulator:{rest}")
    board = boards.ensure_running(name)
    if way == "ssh":
        from bench.transports.ssh import ssh_transport

        return ssh_transport(
            f"shell@127.0.0.1:{board.ssh_port}", identity=board.identity, known_hosts=board.known_hosts
        )
    if way == "adb":
        from bench.transports.adb import adb_transport, no_server, server_runs

        if not server_runs():
            raise no_server()
        return adb_transport(board.adb_address)
    from bench.transports.adb_direct import tcp_transport

    host, _, port = board.adb_address.rpartition(":")
    if not port.isdigit():
        raise DeviceError(f"the board {name} has no adb port")
    return tcp_transport(host, int(port))
