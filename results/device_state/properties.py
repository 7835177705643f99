"""`getprop` and build.prop: Android's properties."""

from __future__ import annotations

import re

_START = re.compile(r"^[ \t]*\[([^\]\n]*)\]: \[", re.MULTILINE)
_END = re.compile(r"\][ \t]*$", re.MULTILINE)


def parse_getprop(text: str) -> dict[str, str]:
    """`[key]: [value]` with values that may be empty, hold colons, commas and brackets, or span lines.

    A value ends at the last closing bracket at a line's end before the next key; one that was cut off is left out.
    """
    text = text.replace("\r", "")
    starts = list(_START.finditer(text))
    found: dict[str, str] = {}
    for number, start in enumerate(starts):
        until = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        ends = list(_END.finditer(text, start.end(), until))
        if ends:
            found[start[1]] = text[start.end() : ends[-1].start()]
    return found


def parse_build_prop(text: str) -> dict[str, str]:
    """`key=value` lines; comments and imports are left out."""
    found: dict[str, str] = {}
    for line in text.replace("\r", "").split("\n"):
        key, equals, value = line.partition("=")
        if equals and key.strip() and not key.lstrip().startswith(("#", "import ")):
            found[key.strip()] = value.strip()
    return found


def parse_properties(text: str) -> dict[str, str]:
    """Either of them, told apart by the text itself."""
    return parse_getprop(text) if _START.search(text) else parse_build_prop(text)


def model_of(properties: dict[str, str]) -> str | None:
    """The name on the box where a vendor gives it, else the model, else None."""
    return properties.get("ro.config.marketing_name") or properties.get("ro.product.model") or None


def target_of(properties: dict[str, str]) -> str | None:
    """android-arm64 or android-x86_64 from the first of its 64-bit ABIs; None for others or when it is not said."""
    keys = ("ro.product.cpu.abi", "ro.product.cpu.abilist64", "ro.product.cpu.abilist")
    abis = ",".join(properties.get(key, "") for key in keys)
    for abi in abis.split(","):
        if target := {"arm64-v8a": "android-arm64", "x86_64": "android-x86_64"}.get(abi):
            return target
    return None
