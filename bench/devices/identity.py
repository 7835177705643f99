"""What a device is: asked once when it is opened, in one command, and kept as evidence."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from bench.transports.protocol import Transport
from foundation.errors import DeviceError
from results.device_state.core_groups import CoreGroups, core_groups
from results.device_state.cpuinfo import parse_core_list, parse_cpuinfo, per_core
from results.device_state.properties import model_of, parse_getprop, target_of

_FILES = (
    "/proc/cpuinfo",
    "/proc/device-tree/model",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/cpu[0-9]*/cpu_capacity",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
)
# Of Android's properties only those that say what kind of device it is: never a serial, an address or an account.
_PROPERTIES = re.compile(
    r"ro\.(product\.(model|manufacturer|brand|device|name|board|cpu\.abi\w*)|config\.marketing_name|soc\.\w+"
    r"|board\.platform|hardware|build\.(fingerprint|version\.(release|sdk))|kernel\.qemu)"
)
_PRIVATE = re.compile(r"^(Serial\s*:).*$", re.MULTILINE)


@dataclass(frozen=True)
class Identity:
    """Texts as the device gave them (serials taken out), and what they say."""

    texts: dict[str, str]
    target: str
    model: str | None
    groups: CoreGroups
    android: bool


def identify(transport: Transport) -> Identity:
    """Ask the device. Raises DeviceError when no agent exists for its kind."""
    texts = _asked(transport)
    machine = texts.get("uname -m", "").strip()
    properties = parse_getprop(texts.get("getprop", ""))
    target = _target(machine, properties, transport.name)
    cpuinfo = parse_cpuinfo(texts.get("/proc/cpuinfo", ""))
    board = texts.get("/proc/device-tree/model", "").strip("\0\n ")
    groups = core_groups(
        per_core(texts, "cpu_capacity"),
        per_core(texts, "cpufreq/cpuinfo_max_freq"),
        cpuinfo,
        parse_core_list(texts.get("/sys/devices/system/cpu/online")),
    )
    name = model_of(properties) or cpuinfo.board or board or next((c.model_name for c in cpuinfo.cores), None)
    return Identity(texts, target, name, groups, bool(properties))


def _asked(transport: Transport) -> dict[str, str]:
    mark = secrets.token_hex(8)
    script = (
        f'say() {{ printf "\\n{mark} %s\\n" "$1"; }}\n'
        "say 'uname -m'; uname -m\nsay 'uname -sr'; uname -sr\n"
        "if command -v getprop >/dev/null 2>&1; then say getprop; getprop; fi\n"
        f'for f in {" ".join(_FILES)}; do [ -r "$f" ] || continue; say "$f"; cat "$f"; done 2>/dev/null\n'
    )
    done = transport.run(["sh", "-c", script], deadline_s=60)
    found: dict[str, str] = {}
    for part in done.stdout.split(f"\n{mark} ")[1:]:
        key, _, text = part.partition("\n")
        found[key] = text
    if "getprop" in found:
        kept = {key: value for key, value in parse_getprop(found["getprop"]).items() if _PROPERTIES.fullmatch(key)}
        found["getprop"] = "".join(f"[{key}]: [{value}]\n" for key, value in sorted(kept.items()))
    if "/proc/cpuinfo" in found:
        found["/proc/cpuinfo"] = _PRIVATE.sub(r"\1 removed", found["/proc/cpuinfo"])
    return found


def _target(machine: str, properties: dict[str, str], name: str) -> str:
    if properties:
        by_machine = {"aarch64": "android-arm64", "x86_64": "android-x86_64"}.get(machine)
        # A 32-bit system on a 64-bit kernel says so in its ABIs.
        target = target_of(properties) if properties.get("ro.product.cpu.abi") else by_machine
    else:
        target = {"aarch64": "linux-aarch64", "x86_64": "linux-x86_64"}.get(machine)
    if target is None:
        kind = properties.get("ro.product.cpu.abi") or machine or "unknown"
        raise DeviceError(
            f"{name} has a processor or system of kind '{kind}', for which there is no agent",
            hint="64-bit ARM and x86 are supported: on a Raspberry Pi install the 64-bit system",
        )
    return target
