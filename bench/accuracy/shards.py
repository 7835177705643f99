"""Shards: pictures decoded in parallel, packed for the agent (device_agents/agent/PROTOCOL.md, Predictions).

Only a fixed number of pictures is ahead of the shard that is being packed, so memory does not grow with the data set.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from foundation.errors import UsageError

SHARD_BYTES: Final = 16 << 20
LARGEST_SHARD: Final = 256  # pictures: a lost device costs no more than these
SKIPPED_SHARE: Final = 0.01  # of the data set; beyond it the data set is not what it is called


class Encodes(Protocol):
    """What turns a picture's file into an input's bytes; exporters.encoding.Encoder."""

    @property
    def picture_bytes(self) -> int:
        """Bytes of one encoded picture."""

    def encode(self, path: Path) -> bytes:
        """Raises UsageError for what cannot be read as a picture."""


@dataclass(frozen=True)
class PackedShard:
    """Pictures `first` to `first + count - 1` of the plan, `pictures` of them readable. `skipped`: offset -> why."""

    first: int
    count: int
    pictures: int
    skipped: dict[int, str]
    compared: bool  # the device shall keep the outputs too
    data: bytes


END: Final = struct.pack("<QQ", 0, 0)  # the shard after the last one


def shard_size(picture_bytes: int) -> int:
    """Pictures in a shard."""
    return max(1, min(LARGEST_SHARD, SHARD_BYTES // picture_bytes))


def packed_shards(
    pictures: Sequence[str], encoder: Encodes, first: int = 0, compared: int = 0
) -> Generator[PackedShard]:
    """The shards of `pictures` from `first` on; outputs are wanted for the first `compared` pictures of all.

    Raises UsageError when more than 1 % of `pictures` cannot be read.
    """
    size = shard_size(encoder.picture_bytes)
    allowed = SKIPPED_SHARE * len(pictures)
    skipped_so_far = 0
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[bytes]] = deque()
        submitted = first
        try:
            while first < len(pictures):
                end = min(first + size, compared if first < compared else len(pictures), len(pictures))
                blobs = []
                skipped: dict[int, str] = {}
                for index in range(first, end):
                    while submitted < len(pictures) and len(ahead) < size + workers:
                        ahead.append(pool.submit(encoder.encode, Path(pictures[submitted])))
                        submitted += 1
                    try:
                        blobs.append(ahead.popleft().result())
                    except UsageError as error:
                        skipped[index - first] = error.message
                        skipped_so_far += 1
                        if skipped_so_far > allowed:
                            raise _too_many(skipped_so_far, len(pictures), error) from error
                wanted = first < compared
                readable = len(blobs)
                data = b"".join([struct.pack("<QQ", readable, wanted), *blobs])
                blobs.clear()  # nobody needs them twice while the shard is on its way
                yield PackedShard(first, end - first, readable, skipped, wanted, data)
                first = end
        finally:
            for future in ahead:
                future.cancel()


def _too_many(skipped: int, total: int, error: UsageError) -> UsageError:
    return UsageError(
        f"{skipped} of {total} pictures cannot be used, more than 1 %; the last: {error.message}",
        hint=error.hint or "take them out of the data set, or convert them to 8-bit RGB",
    )
