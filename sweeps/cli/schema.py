"""`causalmer schema`: what an editor checks and completes a sweep's file by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from causalmer_core.errors import UserError
from results.files import write_text
from sweeps.cli.tables import console


def schema(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it there, such as sweep.schema.json."),
    ] = None,
) -> None:
    """Print the JSON schema of a sweep's file for editors, with the backbones that are installed here."""
    from sweeps.schema import sweep_schema

    found, faults = sweep_schema()
    for fault in faults:
        Console(stderr=True, soft_wrap=True).print(Text(f"note: left out: {fault}"))
    text = json.dumps(found, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        write_text(out, text)
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror or error}; choose another place with --out"
        ) from error
    line = f"# yaml-language-server: $schema={out}"
    console().print(Text(f"written to {out}; at the top of a sweep's file: {line}"), soft_wrap=True)
