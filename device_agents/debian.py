"""Debian packages of another suite or architecture, through a private apt root.

The root has its own sources, lists and cache under the project's cache. Mirror, keys and proxy are
the machine's own settings; nothing of the machine's apt or dpkg changes, and no root rights are needed.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from foundation.cache import cache_root, sha256_file, written_whole
from foundation.errors import BuildError

SOURCES = Path("/etc/apt")
# The machine's own hooks clear its package cache or refresh its catalogues after every update.
NO_HOOKS = "".join(f"#clear APT::Update::{hook};\n" for hook in ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success"))


@dataclass(frozen=True)
class Deb:
    """One downloaded package: where it lies, and what it is exactly."""

    name: str
    path: Path
    version: str
    sha256: str


@dataclass(frozen=True)
class Mirror:
    """Where the machine gets Debian from."""

    uri: str
    signed_by: str | None


def fetch(packages: Iterable[str], suite: str, architecture: str) -> dict[str, Deb]:
    """The named packages (not their dependencies) of one suite (`bookworm`, `trixie`) and architecture (`arm64`).

    What was fetched once is answered from the cache, at the version it had then, without the network.
    Raises BuildError when apt is missing or the archive cannot be reached or lacks a package.
    """
    wanted = list(dict.fromkeys(packages))
    root = cache_root() / "debian" / f"{suite}-{architecture}"
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        have = _recorded(root)
        missing = [name for name in wanted if name not in have]
        if missing:
            have |= _download(root, missing, suite, architecture)
            _record(root, have)
    return {name: have[name] for name in wanted}


def unpack(deb: Path, folder: Path) -> None:
    """Unpack a package's files into `folder`. Raises BuildError when the package is damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    _run(["dpkg-deb", "-x", str(deb), str(folder)], f"cannot unpack {deb.name}")


def machine_mirror(apt: Path = SOURCES) -> Mirror:
    """The mirror of the main Debian archive that this machine's own apt uses.

    Reads `sources.list.d/*.sources` (deb822) and `*.list`; entries for security updates or other
    vendors are passed over. Raises BuildError when there is none.
    """
    for uri, suites, components, signed_by in _sources(apt):
        if "main" in components and not any("security" in suite or "/" in suite for suite in suites):
            return Mirror(uri, signed_by)
    raise BuildError(
        "this machine's apt names no Debian mirror",
        hint="building Android bundles and the emulated board needs Debian packages: run it on a Debian machine",
    )


def _sources(apt: Path) -> Iterator[tuple[str, list[str], list[str], str | None]]:
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        for stanza in path.read_text().split("\n\n"):
            lines = [line for line in stanza.splitlines() if ":" in line and not line.startswith("#")]
            fields = {key.strip().lower(): value.strip() for key, value in (line.split(":", 1) for line in lines)}
            if fields.get("enabled", "yes") == "yes" and "deb" in fields.get("types", "").split():
                suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
                for uri in fields.get("uris", "").split():
                    yield uri, suites, components, fields.get("signed-by")
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else ():
            words = line.split("#", 1)[0].split()
            options: dict[str, str] = {}
            if len(words) > 1 and words[1].startswith("["):
                end = next((i for i, word in enumerate(words) if word.endswith("]")), len(words) - 1)
                pairs = " ".join(words[1 : end + 1]).strip("[] ").split()
                options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
                words[1 : end + 1] = []
            if len(words) > 3 and words[0] == "deb":
                yield words[1], [words[2]], words[3:], options.get("signed-by")


def _download(root: Path, names: list[str], suite: str, architecture: str) -> dict[str, Deb]:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise BuildError("apt-get or dpkg-deb is not installed", hint="Debian packages need a Debian machine")
    options = _private_root(root, suite, architecture)
    if not any((root / "lists").glob("*_Packages*")):
        _apt(["update"], options, root, f"cannot read Debian {suite}'s list of packages for {architecture}")
    try:
        _apt(["download", *names], options, root / "debs", "")
    except BuildError:
        # The list may be older than the archive, which keeps no superseded versions.
        _apt(["update"], options, root, f"cannot read Debian {suite}'s list of packages for {architecture}")
        text = f"Debian {suite} for {architecture} does not give {', '.join(names)}"
        _apt(["download", *names], options, root / "debs", text)
    return {name: _described(root, name) for name in names}


def _private_root(root: Path, suite: str, architecture: str) -> list[str]:
    """Lay out the root; the options that make apt stay inside it."""
    for folder in ("lists/partial", "cache/archives/partial", "debs", "parts"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    mirror = machine_mirror()
    signed = f" signed-by={mirror.signed_by}" if mirror.signed_by else ""
    (root / "sources.list").write_text(f"deb [arch={architecture}{signed}] {mirror.uri} {suite} main\n")
    (root / "status").touch()
    (root / "apt.conf").write_text(NO_HOOKS)
    settings = {
        "Dir::State": root,
        "Dir::State::lists": root / "lists",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": root / "sources.list",
        "Dir::Etc::sourceparts": root / "parts",
        "Dir::Etc::preferencesparts": root / "parts",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",
        "APT::Default-Release": "",
        "Acquire::Languages": "none",
    }
    placed = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    return ["-c", str(root / "apt.conf"), *placed]


def _apt(arguments: list[str], options: list[str], folder: Path, failure: str) -> None:
    command = ["apt-get", "-q", *options, *arguments]
    _run(command, failure, folder)


def _run(command: list[str], failure: str, folder: Path | None = None) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    # `apt-get update` answers 0 when a list could not be fetched.
    problems = [line for line in ended.stderr.splitlines() if line.startswith(("E:", "Err:", "W: Failed"))]
    if ended.returncode != 0 or problems:
        detail = "; ".join(problems) or ended.stderr.strip()[-400:]
        raise BuildError(f"{failure}: {detail}", hint="check the network, or `apt-get update`", retryable=True)


def _described(root: Path, name: str) -> Deb:
    """The newest downloaded file of a package; apt has checked it against the signed list."""
    files = sorted((root / "debs").glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise BuildError(f"apt said it downloaded {name}, but there is no file of it in {root / 'debs'}")
    fields = subprocess.run(
        ["dpkg-deb", "-f", str(files[-1]), "Version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return Deb(name, files[-1], fields, sha256_file(files[-1]))


def _recorded(root: Path) -> dict[str, Deb]:
    """What was fetched before and is still whole."""
    index = root / "packages.json"
    if not index.exists():
        return {}
    found = [Deb(**{**entry, "path": root / "debs" / entry["path"]}) for entry in json.loads(index.read_text())]
    return {deb.name: deb for deb in found if deb.path.exists() and sha256_file(deb.path) == deb.sha256}


def _record(root: Path, debs: dict[str, Deb]) -> None:
    entries = [{**asdict(deb), "path": deb.path.name} for _, deb in sorted(debs.items())]
    with written_whole(root / "packages.json") as path:
        path.write_text(json.dumps(entries, indent=1))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
