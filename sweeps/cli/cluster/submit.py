"""`causalmer cluster submit`: run a sweep as a job of a cluster, from a machine outside of it."""

from __future__ import annotations

import secrets
import shlex
import tempfile
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from cluster.jobs.job_server import JobServer
from cluster.jobs.shipped_code import copy_code
from results.storage.object_uri import is_uri, parse_uri
from sweeps.cli.cluster.jobs import Insecure, ServerAddress, Wait, print_next_commands, wait_for
from sweeps.cli.cluster.shared_places import check_places
from sweeps.cli.sweep import DataRoot, RetryFailed, Set, SpecFile, Storage, overrides_of, run_options
from sweeps.spec.includes import read_sweep_file
from sweeps.spec.sweep_spec import load_spec
from sweeps.spec.yaml_file import write_yaml

_STOP_SECONDS = "600"
"""Seconds until a stopping job is killed. Until then its runs end their epoch and write a checkpoint."""


def submit(
    file: SpecFile,
    address: ServerAddress,
    set_: Set = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    wait: Wait = True,
    code: Annotated[
        bool,
        typer.Option(
            "--code/--no-code",
            help="Send this machine's causalmer along, or use the one installed on the nodes.",
        ),
    ] = True,
    activate: Annotated[
        str | None,
        typer.Option(
            "--activate",
            metavar="COMMAND",
            help="Command that puts Python on the nodes' path: '. ~/env/bin/activate'.",
        ),
    ] = None,
    insecure: Insecure = False,
    retry_failed: RetryFailed = False,
) -> None:
    """Run a sweep on a cluster, as a job. A sweep with records resumes from them."""
    overrides = overrides_of(set_, storage, data_root)
    spec = load_spec(file, overrides)
    check_places(spec, file, overrides)
    server = JobServer(address, insecure=insecure)
    job = f"{spec.name}-{secrets.token_hex(3)}"
    words = [*(["python3", "-m", "causalmer"] if code else ["causalmer"]), "run", f"{spec.name}.yaml"]
    words += ["--address", "auto", *run_options(set_, storage, data_root)]
    words += ["--insecure"] if insecure else []
    words += ["--retry-failed"] if retry_failed else []
    with tempfile.TemporaryDirectory() as folder:
        sweep, modules = Path(folder) / "sweep", Path(folder) / "modules"
        sweep.mkdir()
        modules.mkdir()
        # one file with all included ones merged in, so that no other file of its folder is sent
        text = write_yaml(read_sweep_file(file).tree)
        (sweep / f"{spec.name}.yaml").write_text(text, encoding="utf-8")
        server.submit(
            shlex.join(words) if activate is None else f"{activate} && {shlex.join(words)}",
            job,
            folder=sweep,
            modules=copy_code(modules) if code else [],
            environment={"RAY_JOB_STOP_WAIT_TIME_S": _STOP_SECONDS},
        )
    place = parse_uri(spec.storage) if is_uri(spec.storage) else PurePosixPath(spec.storage)
    print(f"submitted job {job}; its records: {place / spec.name}", flush=True)
    if wait:
        wait_for(server, job, insecure=insecure)
    else:
        print_next_commands(server, job, insecure=insecure)
