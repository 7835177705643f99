"""The command line's root: commands register here, errors become two lines and an exit code.

Only typer and the standard library are imported at the top, so that `bench --help` starts at once;
every command imports what it needs when it is called.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import sys
from typing import Any

import typer

import bench.commands
from foundation.errors import Exit, PocketbenchError

# click's ClickException, from wherever this typer takes its click: newer ones carry their own
CommandLineError: type[Any] = typer.BadParameter.__mro__[2]

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

app = typer.Typer(
    name="bench",
    help="Measure lightweight CNNs on devices, and say how far the numbers can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Options that every command shares."""
    if debug:
        os.environ["POCKETBENCH_DEBUG"] = "1"


def register_commands() -> None:
    """Add every command: each module of bench/commands that has `register(app)` is one."""
    for found in pkgutil.iter_modules(bench.commands.__path__):
        module = importlib.import_module(f"bench.commands.{found.name}")
        if hasattr(module, "register"):
            module.register(app)


def main() -> None:
    """Entry point of the `bench` command; exit codes are those of foundation.errors.Exit."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # CI's way to say Ctrl-C
    register_commands()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line in this process and return its exit code."""
    try:
        status = app(arguments, standalone_mode=False, prog_name="bench")
        if status == Exit.INTERRUPTED:  # how typer hands on Ctrl-C
            complain("interrupted")
        return int(status) if isinstance(status, int) else Exit.OK
    except PocketbenchError as error:
        if os.environ.get("POCKETBENCH_DEBUG"):
            raise
        complain(error.message, error.hint)
        return error.exit_code
    except CommandLineError as error:
        error.show()
        return Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        complain("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        if os.environ.get("POCKETBENCH_DEBUG"):
            raise
        complain(f"a defect in pocketbench: {type(error).__name__}: {error}", "run it again with `bench --debug ...`")
        return Exit.INTERNAL


def complain(message: str, hint: str = "") -> None:
    """An error in two lines on stderr: what happened, what to do next."""
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
