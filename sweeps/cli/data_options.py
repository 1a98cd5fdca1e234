"""Options that the commands below `causalmer data` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from causalmer_core.datasets.store import ROOT_VARIABLE

Name = Annotated[str, typer.Option("--name", help="The data set's name: letters, digits, '.', '_', '-'.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", help=f"Folder of data sets. Default: ${ROOT_VARIABLE}, else ./causalmer_data."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a data set of this name.")]
