"""`causalmer cluster`: check a cluster, run sweeps on it as jobs, write files that start one."""

from __future__ import annotations

import typer

from sweeps.cli.cluster import template as cluster_template
from sweeps.cli.cluster.check import check
from sweeps.cli.cluster.jobs import job_logs, job_status, stop_job
from sweeps.cli.cluster.submit import submit

app = typer.Typer(no_args_is_help=True, help="Run sweeps on clusters.")
app.command("check")(check)
app.command("submit")(submit)
app.command("status")(job_status)
app.command("logs")(job_logs)
app.command("stop")(stop_job)
app.add_typer(cluster_template.app, name="template")
