"""`causalmer cluster`: files that start clusters, and a look at one before a sweep."""

from __future__ import annotations

import typer

from sweeps.cli import cluster_template
from sweeps.cli.cluster_check import check

app = typer.Typer(no_args_is_help=True, help="Run sweeps on clusters.")
app.command()(check)
app.add_typer(cluster_template.app, name="template")
