"""One base class for everything that can go wrong, and the exit codes that callers rely on."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every `bench` command; the README's table is checked against this class."""

    OK = 0
    REGRESSION = 1  # `bench check` failed, or a run ended with a cell that is INCOMPLETE
    USAGE = 2  # unknown name, wrong option, wrong key in a file
    INCONCLUSIVE = 3  # not enough evidence to decide
    DEVICE = 4  # a device is absent, refused us, or was lost
    MODEL = 5  # a model file is corrupt, unsupported, or has dynamic shapes
    STORAGE = 6  # a folder cannot be written, a disk is full, evidence cannot be read
    EXPORT = 7  # a network could not be exported
    BUILD = 8  # the agent or a bundle or the board's image could not be built
    INTERNAL = 70  # a defect in pocketbench
    INTERRUPTED = 130  # Ctrl-C; every finished trial is kept


class PocketbenchError(Exception):
    """Something a person can act on: `message` says what happened, `hint` what to do next.

    `retryable` tells a caller whether the same call may succeed later without a change.
    """

    exit_code = Exit.INTERNAL

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retryable = retryable


class UsageError(PocketbenchError):
    """The command, a plan or a configuration file asks for something that does not exist."""

    exit_code = Exit.USAGE


class DeviceError(PocketbenchError):
    """A device is absent, refused this computer, or went away."""

    exit_code = Exit.DEVICE


class ModelError(PocketbenchError):
    """A model file cannot be measured as it is."""

    exit_code = Exit.MODEL


class StorageError(PocketbenchError):
    """A file or folder cannot be read or written."""

    exit_code = Exit.STORAGE


class ExportError(PocketbenchError):
    """A network could not be turned into an artifact."""

    exit_code = Exit.EXPORT


class BuildError(PocketbenchError):
    """The agent, a bundle or the emulated board's image could not be built."""

    exit_code = Exit.BUILD


class Interrupted(PocketbenchError):
    """A person pressed Ctrl-C; what was finished is kept."""

    exit_code = Exit.INTERRUPTED
