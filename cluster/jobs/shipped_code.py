"""The code that goes along with a job: this machine's causalmer, as its wheel would hold it.

It goes as folders, since Ray installs a wheel together with all that it depends on, and would fetch another torch and
another Ray to every node.
"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from causalmer_core.basics.packages import PACKAGES


def copy_code(folder: Path) -> list[Path]:
    """Copy the packages into a folder, and what says their version.

    Returns:
        The folders in it, each to be importable on the nodes.
    """
    here = Path(__file__).parents[2]  # they are installed side by side, and stand so in a checkout
    copies = [folder / name for name in PACKAGES]
    for copy in copies:
        shutil.copytree(here / copy.name, copy, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        installed = distribution("causalmer")
    except PackageNotFoundError:  # a checkout that is not installed
        return copies
    about = folder / f"causalmer-{installed.version}.dist-info"
    about.mkdir()
    # alone: the other files of an installation name folders of this machine
    (about / "METADATA").write_text(installed.read_text("METADATA") or "", encoding="utf-8")
    return [*copies, about]
