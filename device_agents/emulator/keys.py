"""The board's ssh keys: made once a cache, so that strict host key checking works and no password exists.

The host key reaches the guest in an archive of its own that the kernel unpacks after the image, so the image itself
holds no secret and stays the same everywhere.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from device_agents.emulator.android_root import SHELL
from device_agents.emulator.cpio import archive, file, folder
from foundation.cache import cache_root, storage_error
from foundation.errors import StorageError

ALGORITHM = b"ssh-ed25519"


@dataclass(frozen=True)
class Keys:
    """The client's identity file, the host's public key in known_hosts form, and the archive for the guest."""

    identity: Path  # OpenSSH private key, mode 0600
    host_key: str  # "ssh-ed25519 AAAA..."
    archive: bytes


def keys() -> Keys:
    """The keys of this cache, made at the first call. Raises StorageError when the cache cannot be written."""
    place = cache_root() / "board" / "keys"
    host, client = _key(place / "host_ed25519"), _key(place / "id_ed25519")
    authorized = _public(client).encode() + b" pocketbench\n"
    entries = [
        folder("etc/dropbear", 0o700),
        file("etc/dropbear/host_key", _dropbear(host), 0o600),
        folder("root", 0o700),
        folder("root/.ssh", 0o700),
        file("root/.ssh/authorized_keys", authorized, 0o600),
        folder("home"),
        folder("home/shell", 0o700, uid=SHELL, gid=SHELL),
        folder("home/shell/.ssh", 0o700, uid=SHELL, gid=SHELL),
        file("home/shell/.ssh/authorized_keys", authorized, 0o600, uid=SHELL, gid=SHELL),
    ]
    return Keys(place / "id_ed25519", _public(host), archive(entries))


def _key(path: Path) -> Ed25519PrivateKey:
    """The key kept in `path`, in OpenSSH's form; two processes that make it at once end with the same one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.is_file():
            made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            with tempfile.NamedTemporaryFile(dir=path.parent) as temporary:  # mode 0600
                temporary.write(made)
                temporary.flush()
                with suppress(FileExistsError):
                    path.hardlink_to(temporary.name)
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise storage_error(error, path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StorageError(f"{path} is not an ed25519 key", hint="remove it; the next start makes another")
    return key


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _dropbear(key: Ed25519PrivateKey) -> bytes:
    """The key in dropbear's own form: the algorithm's name, then seed and public point, each after its length."""
    pair = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return b"".join(len(part).to_bytes(4, "big") + part for part in (ALGORITHM, pair))


def known_hosts_line(host_key: str, port: int) -> str:
    """The line of a known_hosts file that vouches for a board on 127.0.0.1 at `port`."""
    return f"[127.0.0.1]:{port} {host_key}\n"
