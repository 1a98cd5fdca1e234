"""`causalmer cluster`: files that start clusters."""

from __future__ import annotations

import typer

from sweeps.cli import cluster_template

app = typer.Typer(no_args_is_help=True, help="Run sweeps on clusters.")
app.add_typer(cluster_template.app, name="template")
