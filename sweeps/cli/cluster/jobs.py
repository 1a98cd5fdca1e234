"""`causalmer cluster status|logs|stop`: jobs on a cluster, from a machine outside of it."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from cluster.jobs.job_following import follow, wait_for_end
from cluster.jobs.job_server import JobServer, JobState
from sweeps.cli.interruption import watching

ServerAddress = Annotated[
    str,
    typer.Option(
        "--address",
        metavar="http://HEAD:8265",
        envvar="RAY_API_SERVER_ADDRESS",
        help="The job server: the dashboard's port on the cluster's head, or a tunnel to it.",
    ),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Use a server that asks for no token: anyone can run code there."),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Follow the job to its end, and exit with its exit code.")
]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's name, as 'submit' printed it.")]


def job_status(job: Job, address: ServerAddress, insecure: Insecure = False) -> None:
    """Print the state of a job. `causalmer status` shows how far its sweep is."""
    _notify(job, JobServer(address, insecure=insecure).state(job))


def job_logs(
    job: Job,
    address: ServerAddress,
    follow_: Annotated[
        bool, typer.Option("--follow", help="Follow the job to its end, and exit with its exit code.")
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Print the output of a job."""
    server = JobServer(address, insecure=insecure)
    if follow_:
        wait_for(server, job, insecure=insecure)
    else:
        print(server.logs(job), end="")


def stop_job(job: Job, address: ServerAddress, wait: Wait = True, insecure: Insecure = False) -> None:
    """Stop a job: its runs end after their epoch, with a checkpoint. To resume the sweep, submit it again."""
    server = JobServer(address, insecure=insecure)
    if server.stop(job):
        print(f"job {job} was asked to stop", flush=True)
    if wait:
        with watching(f"job {job} is stopping; {_command('status', job, server, insecure=insecure)}"):
            wait_for_end(server, job)
    _notify(job, server.state(job))


def wait_for(server: JobServer, job: str, *, insecure: bool) -> None:
    """Follow a job to its end, and exit with its exit code.

    Raises:
        StoppedWatchingError: on Ctrl-C, which does not reach the job.
        typer.Exit: the job failed.
    """
    with watching("\n".join(["the job continues to run", *_next_commands(server, job, insecure=insecure)])):
        state = follow(server, job, lambda text: print(text, end="", flush=True))
    _notify(job, state)
    if state.code:
        print("to resume the sweep from its records, submit it again")
        raise typer.Exit(state.code)


def print_next_commands(server: JobServer, job: str, *, insecure: bool) -> None:
    """Print the commands that watch and stop a job."""
    for line in _next_commands(server, job, insecure=insecure):
        print(line)


def _next_commands(server: JobServer, job: str, *, insecure: bool) -> list[str]:
    verbs = {"follow its output": "logs --follow", "print its state": "status", "stop it": "stop"}
    return [f"{aim}: {_command(verb, job, server, insecure=insecure)}" for aim, verb in verbs.items()]


def _command(verb: str, job: str, server: JobServer, *, insecure: bool) -> str:
    words = ["causalmer", "cluster", *verb.split(), job, "--address", server.address]
    return shlex.join(words + (["--insecure"] if insecure else []))


def _notify(job: str, state: JobState) -> None:
    ended = "" if state.exit_code is None else f" with exit code {state.exit_code}"
    print(f"job {job}: {state.status}{ended}{f': {state.message}' if state.message else ''}")
