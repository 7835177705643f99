"""An adb server that knows one list of devices: the states that a daemon cannot be brought into at will."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """The server's side of adb's smart socket: four hexadecimal digits, a service; OKAY or FAIL, then a text."""
        server: _Server = self.server  # type: ignore[assignment]
        length = self.rfile.read(4)
        if len(length) < 4:
            return  # somebody looked whether we are there
        service = self.rfile.read(int(length, 16)).decode()
        server.asked.append(service)
        if service in ("host:devices-l", "host:devices"):
            status, text = b"OKAY", server.listing
        elif service == "host:version":
            status, text = b"OKAY", "0029"
        else:
            status, text = b"FAIL", f"unknown host service '{service}'"
        said = text.encode()
        self.wfile.write(status + b"%04x" % len(said) + said)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, listing: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.listing = listing
        self.asked: list[str] = []


@dataclass
class FakeAdbServer:
    """Serves `listing`, the text below the header of `adb devices -l`."""

    listing: str
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> FakeAdbServer:
        self._server = _Server(self.listing)
        self._server.asked = self.asked
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
