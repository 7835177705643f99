"""`bench agent`: build the agent's bundle for a target, and say what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from device_agents.bundle import Bundle


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(name="agent", help="The native agent and its bundles.", no_args_is_help=True)
    group.callback()(agent)
    group.command("build")(build)
    app.add_typer(group)


def agent() -> None:
    """The native agent and its bundles."""


def build(
    target: Annotated[
        str | None, typer.Option("--target", help="linux-x86_64, linux-aarch64, android-arm64 or android-x86_64.")
    ] = None,
    compiler: Annotated[
        Literal["zig", "system"], typer.Option("--compiler", help="The ziglang wheel, or this machine's own compiler.")
    ] = "zig",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Build the agent for a target (this machine's own by default) and gather the runtimes beside it."""
    from device_agents.bundle import bundle
    from device_agents.targets import own_target

    made = bundle(target or own_target().name, compiler=compiler)
    print(as_json(made) if json else described(made))


def described(made: Bundle) -> str:
    """The bundle as a table: file, size, SHA-256 and where it lies on this machine; then what it asks of a device."""
    rows = [(name, path.stat().st_size, made.sha256[name], path) for name, path in sorted(made.files.items())]
    width = max(len(name) for name, *_ in rows)
    lines = [f"{name:{width}}  {size / 1e6:8.2f} MB  {digest[:16]}  {path}" for name, size, digest, path in rows]
    glibc = f"needs glibc {made.glibc} or later" if made.glibc else "brings its own glibc"
    lines.append(f"{made.target}: {len(rows)} files, {made.size_bytes / 1e6:.2f} MB, {glibc}, digest {made.digest}")
    return "\n".join([*lines, f"started by: {' '.join(made.command)} JOBFILE"])


def as_json(made: Bundle) -> str:
    """The same as JSON."""
    import json

    files = [
        {"name": name, "path": str(path), "size_bytes": path.stat().st_size, "sha256": made.sha256[name]}
        for name, path in sorted(made.files.items())
    ]
    facts = {
        "target": made.target,
        "digest": made.digest,
        "size_bytes": made.size_bytes,
        "glibc": made.glibc or None,
        "command": list(made.command),
        "files": files,
    }
    return json.dumps(facts, indent=1)
