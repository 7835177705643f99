"""The private apt root keeps the machine's own hooks from running."""

import subprocess
from pathlib import Path

import pytest

from device_agents import debian


def test_update_in_the_private_root_runs_none_of_the_machines_hooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "machine.conf"
    touched = tmp_path / "touched"
    hooks = ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
    instead = f'Dir::Etc::parts "{tmp_path / "none"}";\n'  # of this machine's own hooks
    machine.write_text(instead + "".join(f'APT::Update::{hook} {{ "touch {touched}-{hook}"; }};\n' for hook in hooks))
    monkeypatch.setenv("APT_CONFIG", str(machine))  # read before everything else, as the machine's own files are
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "Packages").write_text("")
    options = debian._private_root(tmp_path / "root", "trixie", "arm64")
    (tmp_path / "root" / "sources.list").write_text(f"deb [trusted=yes] file://{archive} ./\n")
    for private in (False, True):
        shown = ["-o", f"Dir::State={tmp_path / 'root'}", *options[2:]] if not private else options
        subprocess.run(["apt-get", "-q", *shown, "update"], check=True, capture_output=True)
        found = sorted(path.name for path in tmp_path.glob("touched-*"))
        assert found == ([] if private else sorted(f"touched-{hook}" for hook in hooks))
        for path in tmp_path.glob("touched-*"):
            path.unlink()
