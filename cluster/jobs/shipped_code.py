"""The code that is sent with a job: this machine's causalmer, with the contents of its wheel.

It is sent as folders. Ray would install a wheel with all its dependencies, and fetch another torch and another Ray to
every node.
"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from causalmer_core.basics.packages import PACKAGES


def copy_code(folder: Path) -> list[Path]:
    """Copy the packages and the metadata of their version into a folder.

    Returns:
        The copied folders; each can be imported on the nodes.
    """
    here = Path(__file__).parents[2]  # the packages lie side by side, both installed and in a checkout
    copies = [folder / name for name in PACKAGES]
    for copy in copies:
        shutil.copytree(here / copy.name, copy, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        installed = distribution("causalmer")
    except PackageNotFoundError:  # a checkout that is not installed
        return copies
    about = folder / f"causalmer-{installed.version}.dist-info"
    about.mkdir()
    # no other file of the installation: they name folders of this machine
    (about / "METADATA").write_text(installed.read_text("METADATA") or "", encoding="utf-8")
    return [*copies, about]
