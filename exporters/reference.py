"""The float network's own outputs on labelled pictures, computed by PyTorch in a child process and cached.

What an artifact predicts on a device is compared with these: agreement, SQNR. The child is this module as a program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from exporters.catalog import definition_digest, require_torch
from exporters.children import import_path
from foundation.cache import cache_root, key_of, sha256_file, written_whole
from foundation.errors import ExportError

SOURCES: Final = ("preprocessing.py", "reference.py")


def reference_outputs(network: str, weights: str, pictures: Sequence[str]) -> NDArray[np.float32]:
    """(n, classes): outputs for each picture, NaN where a picture cannot be read. `weights` as in exporters.service.

    Raises ExportError where torch is missing or the network fails.
    """
    folder = Path(__file__).parent
    key = key_of(
        {
            "definition": definition_digest(network, weights),
            "pictures": [_digest(Path(path)) for path in pictures],
            "sources": [sha256_file(folder / name) for name in SOURCES],
        }
    )
    path = cache_root() / "references" / f"{key}.npy"
    if not path.exists():
        require_torch()
        with written_whole(path) as temporary:
            _child({"network": network, "weights": weights, "pictures": list(pictures), "path": str(temporary)})
    outputs: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return outputs


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        return "unreadable"


def _child(job: dict[str, Any]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "exporters.reference"],
        input=json.dumps(job).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        env=os.environ | {"PYTHONPATH": import_path()},
    )
    if ended.returncode != 0:
        last = (ended.stderr.decode(errors="replace").strip().splitlines() or [f"status {ended.returncode}"])[-1]
        raise ExportError(f"{job['network']}: the float network could not be run: {last[:300]}")


def main() -> None:
    """The child: a job as JSON on stdin, the outputs in the file that it names."""
    import torch

    from exporters.networks.registry import resolve
    from exporters.preprocessing import prepare
    from foundation.errors import UsageError

    job = json.load(sys.stdin)
    network = resolve(job["network"], job["weights"])
    if network.preprocessing is None:
        raise ExportError(f"{network.name} takes no pictures")
    model = network.build()
    rows: list[NDArray[np.float32] | None] = []
    with torch.inference_mode():
        for path in job["pictures"]:
            try:
                value = prepare(Path(path), network.preprocessing)[np.newaxis]
            except UsageError:
                rows.append(None)
            else:
                rows.append(model(torch.from_numpy(value)).numpy()[0])
    classes = next((len(row) for row in rows if row is not None), 1)
    unreadable = np.full(classes, np.nan, dtype=np.float32)
    with Path(job["path"]).open("wb") as stream:
        np.save(stream, np.stack([unreadable if row is None else row for row in rows]))


if __name__ == "__main__":
    main()
