"""`bench devices`: what can be measured from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.devices.inventory import Reachable


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("devices")(devices)


def devices(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the devices that can be reached: this machine, phones, boards, the emulated board."""
    from bench.devices.inventory import inventory

    found, problems = inventory()
    if json:
        import json as encoder

        told = [{"message": problem.message, "hint": problem.hint} for problem in problems]
        print(encoder.dumps({"devices": [device.model_dump() for device in found], "problems": told}, indent=1))
        return
    print(table(found))
    for problem in problems:
        print(f"note: {problem.message}\nhint: {problem.hint}")


def table(found: list[Reachable]) -> str:
    """Name, state, model and profile in columns; what to do stands below a device that is not ready."""
    head = ("DEVICE", "STATE", "MODEL", "PROFILE")
    rows = [(device.name, device.state, device.model or "-", device.profile) for device in found]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)).rstrip()]
    for device, row in zip(found, rows, strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if device.cure:
            lines.append(f"  {device.cure}")
    return "\n".join(lines)
