"""Device profiles: settings by name, built in and the user's own (profiles.yaml says what each key means)."""

from __future__ import annotations

import difflib
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from foundation.errors import UsageError
from foundation.record import Record
from results.evidence import Clock

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Limits(Record):
    """When a device counts as ready to measure."""

    slowdown: PositiveFloat = 1.10  # calibration kernel over the device's own baseline
    wait_s: PositiveFloat = 300.0
    battery: int = Field(default=25, ge=0, le=100)  # percent


class Profile(Record):
    """One device's or one kind of device's settings."""

    name: str
    device: str | None = None
    model: str | None = None
    workdir: str | None = None
    threads: PositiveInt = 1
    cores: str | None = None
    clock: Clock = "nanoseconds"
    fixed_performance: bool = False
    pace: bool = False
    limits: Limits = Limits()
    bases: tuple[str, ...] = ()  # names it took over settings from, nearest first
    builtin: bool = False

    def fits(self, model: str) -> bool:
        """The profile is for devices of this model (adb writes spaces as underscores)."""
        return self.model is not None and re.fullmatch(self.model, model.replace("_", " ")) is not None


_KEYS = tuple(key for key in Profile.model_fields if key not in ("name", "bases", "builtin"))


def config_path() -> Path:
    """`POCKETBENCH_CONFIG`, else `~/.config/pocketbench/devices.yaml` (XDG_CONFIG_HOME counts)."""
    if override := os.environ.get("POCKETBENCH_CONFIG"):
        return Path(override).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "pocketbench" / "devices.yaml"


def load_profiles() -> dict[str, Profile]:
    """All profiles by name. Raises UsageError naming the file, the profile and the key that is wrong."""
    raw = {name: (settings, "built-in profiles") for name, settings in _builtin().items()}
    path = config_path()
    if path.exists():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {path}: {error}", hint="correct it, or move it away") from error
        raw.update({name: (settings, str(path)) for name, settings in _parsed(text, str(path)).items()})
    builtin = _builtin()
    return {name: _profile(name, raw, raw[name][0] is builtin.get(name)) for name in raw}


@cache
def _builtin() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("profiles.yaml")
    return _parsed(path.read_text(encoding="utf-8"), "built-in profiles")


def _parsed(text: str, where: str) -> dict[str, dict[str, Any]]:
    try:
        table = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{where} is not YAML: {error}", hint="see docs/devices.md, 'Profiles'") from error
    if not isinstance(table, dict):
        raise UsageError(f"{where}: profiles are `name:` with settings below", hint="see docs/devices.md, 'Profiles'")
    for name, settings in table.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(f"{where}: {name!r} is no profile's name", hint="use letters, digits, '-', '_' and '.'")
        if not isinstance(settings, dict):
            raise UsageError(f"{where}: the profile '{name}' has no settings", hint="write `device:` below it")
        _check_keys(settings, (*_KEYS, "base"), f"{where}: {name}")
        limits = settings.get("limits", {})
        if not isinstance(limits, dict):
            keys = ", ".join(Limits.model_fields)
            raise UsageError(f"{where}: {name}: limits: not a table but {limits!r}", hint=f"its keys are: {keys}")
        _check_keys(limits, tuple(Limits.model_fields), f"{where}: {name}: limits")
        if not isinstance(settings.get("base", ""), str):
            raise UsageError(f"{where}: {name}: base: {settings['base']!r} is no name", hint="name one profile")
    return table


def _check_keys(settings: dict[Any, Any], right: tuple[str, ...], where: str) -> None:
    for key in settings:
        if key not in right:
            near = difflib.get_close_matches(str(key), right, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            raise UsageError(f"{where}: unknown key '{key}'{meant}", hint=f"keys are: {', '.join(right)}")


def _profile(name: str, raw: dict[str, tuple[dict[str, Any], str]], builtin: bool) -> Profile:
    chain: list[str] = []
    merged: dict[str, Any] = {}
    at: str | None = name
    while at is not None:
        settings, where = raw[at]
        chain.append(at)
        limits = {**settings.get("limits", {}), **merged.get("limits", {})}
        merged = {**settings, **merged} | ({"limits": limits} if limits else {})
        merged.pop("base", None)
        at = settings.get("base")
        if at is not None and (at not in raw or at in chain):
            known = ", ".join(sorted(raw))
            raise UsageError(
                f"{where}: {chain[-1]}: its base '{at}' is no other profile", hint=f"profiles are: {known}"
            )
    try:
        profile = Profile(name=name, bases=tuple(chain[1:]), builtin=builtin, **merged)
        re.compile(profile.model or "")
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        raise UsageError(
            f"{raw[name][1]}: {name}: {key}: {detail['msg']}, got {detail['input']!r}", hint="correct that value"
        ) from error
    except re.error as error:
        raise UsageError(f"{raw[name][1]}: {name}: model: {error}", hint="write a regular expression") from error
    return profile
