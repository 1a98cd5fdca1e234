"""Data sets as earlier versions of the program wrote them."""

from __future__ import annotations

import json
from pathlib import Path

from causalmer_core.datasets.store import dataset_folder


def make_old(root: Path, name: str) -> Path:
    """Turn the only version of a data set into one without versions, checksums and digests; its folder."""
    home, folder = root / name, dataset_folder(root, name)
    for path in folder.iterdir():
        path.rename(home / path.name)
    folder.rmdir()
    (home / "current.json").unlink()
    manifest = json.loads((home / "manifest.json").read_text())
    del manifest["sha256"], manifest["files"]
    (home / "manifest.json").write_text(json.dumps({**manifest, "format_version": 1}))
    return home
