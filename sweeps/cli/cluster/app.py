"""`causalmer cluster`: files that start clusters, a look at one before a sweep, and sweeps as jobs on it."""

from __future__ import annotations

import typer

from sweeps.cli.cluster import template as cluster_template
from sweeps.cli.cluster.check import check
from sweeps.cli.cluster.jobs import logs, status, stop
from sweeps.cli.cluster.submit import submit

app = typer.Typer(no_args_is_help=True, help="Run sweeps on clusters.")
for command in (check, submit, status, logs, stop):
    app.command()(command)
app.add_typer(cluster_template.app, name="template")
