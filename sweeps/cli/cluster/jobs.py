"""`causalmer cluster status|logs|stop`: jobs on a cluster, from a machine that is none of its nodes."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from cluster.jobs.job_following import follow, wait_for_end
from cluster.jobs.job_server import JobServer, JobState
from sweeps.cli.interruption import leaving

ServerAddress = Annotated[
    str,
    typer.Option(
        "--address",
        metavar="http://HEAD:8265",
        envvar="RAY_API_SERVER_ADDRESS",
        help="The job server: the dashboard's port of the cluster's head, or a tunnel to it.",
    ),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Also where no token is asked for: anyone may run code there."),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Follow the job to its end, and end with its exit code.")
]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's name, as 'submit' said it.")]


def job_status(job: Job, address: ServerAddress, insecure: Insecure = False) -> None:
    """Say how a job stands. How far its sweep is, its records say: `causalmer status`."""
    _notify(job, JobServer(address, insecure=insecure).state(job))


def job_logs(
    job: Job,
    address: ServerAddress,
    follow_: Annotated[
        bool, typer.Option("--follow", help="Go on to its end, and end with its exit code.")
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Show what a job has written."""
    server = JobServer(address, insecure=insecure)
    if follow_:
        wait_for(server, job, insecure=insecure)
    else:
        print(server.logs(job), end="")


def stop_job(job: Job, address: ServerAddress, wait: Wait = True, insecure: Insecure = False) -> None:
    """Stop a job: its runs end their epoch with a checkpoint. Submitting the sweep again goes on from there."""
    server = JobServer(address, insecure=insecure)
    if server.stop(job):
        print(f"job {job} was asked to stop", flush=True)
    if wait:
        with leaving(f"job {job} is stopping; {_command('status', job, server, insecure=insecure)}"):
            wait_for_end(server, job)
    _notify(job, server.state(job))


def wait_for(server: JobServer, job: str, *, insecure: bool) -> None:
    """Follow a job to its end, and end with its exit code.

    Raises:
        LeftError: on Ctrl-C, which the job does not notice.
    """
    words = "\n".join(["the job goes on", *_ways_to_go_on(server, job, insecure=insecure)])
    with leaving(words):
        state = follow(server, job, lambda text: print(text, end="", flush=True))
    _notify(job, state)
    if state.code:
        print("submit the sweep again to go on from its records")
        raise typer.Exit(state.code)


def say_how_to_go_on(server: JobServer, job: str, *, insecure: bool) -> None:
    """How to see and to stop a job that was not waited for."""
    for line in _ways_to_go_on(server, job, insecure=insecure):
        print(line)


def _ways_to_go_on(server: JobServer, job: str, *, insecure: bool) -> list[str]:
    ways = {"see it": "logs --follow", "ask how it stands": "status", "stop it": "stop"}
    return [f"{aim}: {_command(verb, job, server, insecure=insecure)}" for aim, verb in ways.items()]


def _command(verb: str, job: str, server: JobServer, *, insecure: bool) -> str:
    words = ["causalmer", "cluster", *verb.split(), job, "--address", server.address]
    return shlex.join(words + (["--insecure"] if insecure else []))


def _notify(job: str, state: JobState) -> None:
    ended = "" if state.exit_code is None else f" with exit code {state.exit_code}"
    print(f"job {job}: {state.status}{ended}{f': {state.message}' if state.message else ''}")
