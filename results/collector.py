"""Python's cyclic garbage collector, paused while very many records are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """No cyclic collection inside the block.

    Records hold no cycles. While a large run is read the collector walks all of them again and again and frees
    nothing: a third of the time of benchmarks/derive_speed.py.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
