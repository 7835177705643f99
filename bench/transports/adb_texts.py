"""What adb prints, read: `adb devices -l`, and its error texts with what cures each. Pure functions of text."""

from __future__ import annotations

import re

from foundation.errors import DeviceError
from foundation.record import Record

STATES = (
    "device",
    "unauthorized",
    "offline",
    "authorizing",
    "connecting",
    "recovery",
    "sideload",
    "rescue",
    "bootloader",
    "host",
    "detached",
    "unknown",
    "no permissions",
)

CURES = {
    "unauthorized": "unlock the phone, accept the 'Allow USB debugging' prompt, then run the same command again",
    "authorizing": "unlock the phone and accept the 'Allow USB debugging' prompt; it is waiting for the answer",
    "offline": "plug the cable out and in again (or `adb reconnect offline`); if it stays offline restart the phone",
    "connecting": "wait a moment, then run the same command again",
    "recovery": "the phone is in recovery: choose 'Reboot system now' on it",
    "sideload": "the phone waits for a sideload: choose 'Reboot system now' on it",
    "rescue": "the phone is in rescue mode: restart it",
    "bootloader": "the phone is in its bootloader: `fastboot reboot`",
    "host": "this is not a phone",
    "detached": "another program holds the phone: close it, or `adb attach SERIAL`",
    "unknown": "plug the cable out and in again, then run `adb devices -l`",
    "no permissions": "this user may not open the USB device: install the udev rules (`apt-get install "
    "android-sdk-platform-tools-common`, or add the user to the group plugdev), then plug the cable out and in",
}

# The serial may contain spaces and words that are states too ("my device (2)._adb-tls-connect._tcp"), so the state is
# the word behind which nothing but adb's own details follow.
_DETAILS = r"(?:\s+(?:\w+:\S*|[0-9]+-[0-9.]+|[0-9]+X))*"
_LINE = re.compile(
    r"(?P<serial>\S.*?)\s+(?:(?P<state>" + "|".join(STATES[:-1]) + rf")(?P<rest>{_DETAILS})"
    r"|(?P<denied>no permissions)(?=\s|$|;|\()(?P<reason>.*))"
)
_CUT = re.compile(r"(?P<serial>\S+)\s+(?P<state>" + "|".join(STATES[:-1]) + r")(?P<rest>\s.*)")  # cut off, or with news
_OTHER = re.compile(rf"(?P<serial>\S+)(?:\t+| {{2,}})(?P<state>\S.*?)(?P<rest>{_DETAILS})")  # a state of a later adb
_PAIR = re.compile(r"(product|model|device|transport_id|features):(\S*)")
_USB = re.compile(r"(?:^|\s)(usb:\S+|[0-9]+-[0-9.]+)(?=\s|$)")
_BANNERS = ("*", "List of devices", "adb server", "adb:", "adb.exe:", "error:", "- waiting")


class Listed(Record):
    """One line of `adb devices`. Names are as adb prints them, with `_` for spaces; None: not printed."""

    serial: str
    state: str
    detail: str | None = None  # what stands in brackets behind "no permissions"; the word of an unknown state
    product: str | None = None
    model: str | None = None
    device: str | None = None
    usb: str | None = None
    transport_id: int | None = None

    @property
    def ready(self) -> bool:
        """Commands can be run on it."""
        return self.state == "device"

    @property
    def cure(self) -> str:
        """What to do when it is not ready; empty when it is."""
        return CURES.get(self.state, "")


def parse_devices(text: str) -> tuple[Listed, ...]:
    """The devices of `adb devices` or `adb devices -l`, with or without the header and the daemon's banners."""
    found = []
    listing = False  # below the header every line is a device
    for line in map(str.strip, text.replace("\r", "").split("\n")):
        if line.startswith(_BANNERS):
            listing = listing or line.startswith("List of devices")
        elif match := _LINE.fullmatch(line):
            if match["state"]:
                found.append(_listed(match["serial"], match["state"], None, match["rest"]))
            else:
                reason = re.search(r"\((.*)\)", match["reason"])
                found.append(_listed(match["serial"], "no permissions", reason[1] if reason else None, match["reason"]))
        elif match := _CUT.fullmatch(line):
            found.append(_listed(match["serial"], match["state"], None, match["rest"]))
        elif listing and (match := _OTHER.fullmatch(line)):
            found.append(_listed(match["serial"], "unknown", match["state"], match["rest"]))
    return tuple(found)


def _listed(serial: str, state: str, detail: str | None, rest: str) -> Listed:
    pairs = dict(_PAIR.findall(rest))
    usb = _USB.search(rest)
    number = pairs.get("transport_id", "")
    return Listed(
        serial=serial,
        state=state,
        detail=detail,
        product=pairs.get("product") or None,
        model=pairs.get("model") or None,
        device=pairs.get("device") or None,
        usb=usb[1] if usb else None,
        transport_id=int(number) if re.fullmatch(r"[0-9]{1,18}", number) else None,
    )


# kind -> what adb says, most telling first; the first kind that matches any line is the problem.
_PROBLEMS: tuple[tuple[str, str], ...] = (
    ("no space", r"no space left on device|insufficient.storage|not enough space|quota exceeded"),
    ("read-only", r"read-only file system"),
    ("authorizing", r"still authorizing"),
    ("connecting", r"still connecting"),
    ("unauthorized", r"device unauthorized|unauthorized\.|failed to authenticate"),
    ("no permissions", r"insufficient permissions|no permissions|libusb_error_access"),
    ("offline", r"device offline|device is offline|device '?.*'? offline"),
    (
        "server",
        r"cannot connect to daemon|failed to (start|initialize) daemon|could not read ok from adb server"
        r"|unknown host service|adb server didn't ack|could not install .*listener|cannot bind|address already in use"
        r"|adb server is out of date|failed to check server version",
    ),
    ("several", r"more than one (device|emulator|transport)"),
    ("absent", r"device '?.*'? not found|no (devices|emulators|devices/emulators) found|no such device|unknown device"),
    (
        "refused",
        r"connection refused|failed to connect|unable to connect|cannot connect to|timed out|no route to host"
        r"|(network|host) is unreachable|failed to resolve host|name or service not known",
    ),
    (
        "protocol",
        r"protocol fault|couldn't read status|device '?.*'? disconnected|broken pipe|connection reset|unexpected eof",
    ),
    ("closed", r"(^|: )closed$"),
    ("denied", r"permission denied|couldn't create file|operation not permitted|secure_mkdirs"),
    ("missing", r"no such file or directory|does not exist|cannot stat"),
)

_PROBLEM_HINTS = {
    "no space": "free some space on the device (`bench agent` files lie in the profile's workdir), then try again",
    "read-only": "choose a writable workdir for this device in devices.yaml",
    "server": "another program or another version holds adb's port: `adb kill-server`, then `adb start-server`",
    "several": "name one of them with --device adb:SERIAL",
    "absent": "see `bench devices` for what is attached",
    "refused": "check the address, and that debugging over the network is on",
    "protocol": "the adb server and the device lost each other: plug the cable out and in again",
    "other": "`bench doctor` checks adb and its server",
    "closed": "the device closed the connection: plug the cable out and in again",
    "denied": "choose a writable workdir for this device in devices.yaml",
    "missing": "check the path; it is not on the device",
}

# Waiting may help with these: the prompt may be accepted, the phone may come back.
_PASSING = frozenset(
    {"unauthorized", "authorizing", "connecting", "offline", "absent", "refused", "protocol", "closed", "server"}
)


class AdbProblem(Record):
    """What an adb error text says: `kind` is one of the words above, `line` the telling line as it stands there."""

    kind: str
    line: str


def problem_of(text: str) -> AdbProblem | None:
    """The problem that adb's output tells of, or None. The exit status does not matter: `adb connect` fails with 0."""
    lines = [line.strip() for line in text.replace("\r", "").split("\n")]
    for kind, pattern in _PROBLEMS:
        for line in lines:
            if re.search(pattern, line, re.IGNORECASE):
                return AdbProblem(kind=kind, line=line)
    return next(
        (
            AdbProblem(kind="other", line=line)
            for line in lines
            if re.match(r"adb(\.exe)?: |error:|\* ?failed|failed to |cannot ", line)
        ),
        None,
    )


def error_of(name: str, text: str) -> DeviceError:
    """A DeviceError for what adb said about device `name`, with what to do next."""
    problem = problem_of(text)
    kind = problem.kind if problem else "other"
    said = problem.line if problem else text.strip()
    hint = CURES.get(kind) or _PROBLEM_HINTS.get(kind) or "see `bench doctor`"
    return DeviceError(f"{name}: {said}", hint=hint, retryable=kind in _PASSING)
