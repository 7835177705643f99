"""`bench emulator`: start, stop, look at and enter the emulated ARM boards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from device_agents.emulator.board import Board

Name = Annotated[str, typer.Option("--name", help="Which board; several run side by side under different names.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(name="emulator", help="The emulated ARM board.", no_args_is_help=True)
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("status")(status)
    group.command("shell", context_settings={"ignore_unknown_options": True})(shell)
    app.add_typer(group)


def start(
    name: Name = "default",
    deterministic: Annotated[
        bool,
        typer.Option(help="Let the board's clock count instructions; otherwise it has two cores and the host's time."),
    ] = True,
    json: Json = False,
) -> None:
    """Start a board unless it is running, and say how to reach it. It runs until it is stopped."""
    from device_agents.emulator.board import ensure_running

    board = ensure_running(name, deterministic)
    print(board.to_json(indent=1) if json else described(board))


def stop(
    name: Name = "default",
    every: Annotated[bool, typer.Option("--all", help="Stop every board.")] = False,
) -> None:
    """Stop a board. Nothing on it is kept."""
    from device_agents.emulator import board as boards

    for each in [board.name for board in boards.running()] if every else [name]:
        print(f"board {each}: {'stopped' if boards.stop(each) else 'was not running'}")


def status(json: Json = False) -> None:
    """List the running boards, and whether their adbd and ssh server answer."""
    from device_agents.emulator import board as boards

    found = [(board, boards.answers(board)) for board in boards.running()]
    if json:
        import json as encoder

        print(
            encoder.dumps([{**board.model_dump(mode="json"), "answers": answers} for board, answers in found], indent=1)
        )
        return
    if not found:
        print("no board is running; start one with: bench emulator start")
    for board, answers in found:
        silent = [daemon for daemon, answered in answers.items() if not answered]
        print(described(board))
        print(f"  {'does not answer: ' + ', '.join(silent) if silent else 'adb and ssh answer'}")


def shell(
    command: Annotated[list[str] | None, typer.Argument(help="A command and its arguments; none: a shell.")] = None,
    name: Name = "default",
    via: Annotated[
        Literal["adb", "ssh"], typer.Option(help="adb: the Android-like root without a libc. ssh: the Linux root.")
    ] = "ssh",
    user: Annotated[Literal["shell", "root"], typer.Option(help="Whom to be; over adb always shell.")] = "shell",
) -> None:
    """Open a shell on a running board, or run one command there and end with its status."""
    import os
    import shlex
    import shutil
    import subprocess

    from device_agents.emulator.board import find
    from foundation.errors import DeviceError, UsageError

    board = find(name)
    if board is None:
        raise DeviceError(f"the board {name} is not running", hint=f"run: bench emulator start --name {name}")
    if shutil.which(via) is None:
        package = {"adb": "adb", "ssh": "openssh-client"}[via]
        raise UsageError(f"{via} is not on this machine", hint=f"run: apt-get install {package}")
    if via == "adb":
        subprocess.run(["adb", "connect", board.adb_address], stdout=subprocess.DEVNULL, check=False)
    words = [shlex.quote(word) for word in command or ()]
    argv = [*ssh_command(board, user), *words] if via == "ssh" else ["adb", "-s", board.adb_address, "shell", *words]
    os.execvp(argv[0], argv)


def ssh_command(board: Board, user: str) -> list[str]:
    """An ssh client's command line for a board: only our key, only the board's own host key."""
    options = {
        "UserKnownHostsFile": f'"{board.known_hosts}"',  # ssh splits at spaces
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
    }
    pairs = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    return ["ssh", "-F", "none", *pairs, "-i", str(board.identity), "-p", str(board.ssh_port), f"{user}@127.0.0.1"]


def described(board: Board) -> str:
    """What a person needs to know of a board, in a few lines."""
    boot = "still booting" if board.boot_seconds is None else f"up after {board.boot_seconds:.1f} s"
    return "\n".join(
        [
            f"board {board.name}: {boot}, clock counts {board.clock}, {board.cpu}, qemu {board.qemu_version}",
            f"  adb connect {board.adb_address}",
            f"  bench emulator shell --name {board.name} (ssh, port {board.ssh_port})",
            f"  console {board.console}, process {board.pid}, image {board.image[:12]}",
        ]
    )
