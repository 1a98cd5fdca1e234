"""`causalmer schema`: what an editor checks and completes a sweep's file by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sweeps.cli.options import put_out
from sweeps.cli.output import console


def schema(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it there, such as sweep.schema.json."),
    ] = None,
) -> None:
    """Print the JSON schema of a sweep's file for editors, with the backbones that are installed here."""
    from sweeps.spec.json_schema.document import sweep_schema

    found, faults = sweep_schema()
    for fault in faults:
        Console(stderr=True, soft_wrap=True).print(Text(f"note: left out: {fault}"))
    text = json.dumps(found, indent=2) + "\n"
    if put_out(text, out):
        line = f"# yaml-language-server: $schema={out}"
        console().print(Text(f"written to {out}; at the top of a sweep's file: {line}"), soft_wrap=True)
