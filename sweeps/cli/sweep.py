"""`causalmer run`, `resume` and `plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from causalmer_core.basics.errors import UserError
from results.integrity.repair import restore_manifest
from results.records.dataset import open_sweep
from results.records.locate import sweep_layout
from results.report.evaluation_tables import final_evaluation_tables
from results.report.leaderboard_table import leaderboard_table
from sweeps.cli.output import Form, Screen, console, show
from sweeps.cli.plan_table import plan_table
from sweeps.driver import run_sweep
from sweeps.execution.machine import Machine
from sweeps.setup.plan import plan_sweep
from sweeps.setup.preflight import preflight
from sweeps.setup.sweep_folder import as_begun
from sweeps.spec.problems import SpecMismatchError, attributed_to
from sweeps.spec.sweep_spec import SweepSpec, load_spec, located
from sweeps.spec.yaml_file import parse_assignment

SpecFile = Annotated[Path, typer.Argument(metavar="SWEEP.yaml", help="The sweep's file.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Put a value before the file's: search.num_configs=8."),
]
Storage = Annotated[
    str | None,
    typer.Option("--storage", help="Folder or address of all sweeps, before the file's 'storage'."),
]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of data sets, before the file's 'data.root'.")
]
Cpus = Annotated[int | None, typer.Option("--cpus", min=1, help="CPU cores to use; default: all.")]
Gpus = Annotated[int | None, typer.Option("--gpus", min=0, help="GPUs to use; default: all.")]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|HOST:PORT",
        help="Join this cluster, from one of its nodes. Default: a private Ray on this machine.",
    ),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Join also a cluster that asks for no token: anyone may run code there."),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Train the runs again that ended as failed, oom or timeout."),
]


def _training_command(help_: str, *, begins: bool) -> Callable[..., None]:
    """A command that trains a sweep; one that does not begin sweeps fails if there is no record of one."""

    def command(
        file: SpecFile,
        set_: Set = None,
        storage: Storage = None,
        data_root: DataRoot = None,
        cpus: Cpus = None,
        gpus: Gpus = None,
        address: Address = None,
        insecure: Insecure = False,
        retry_failed: RetryFailed = False,
    ) -> None:
        with _loaded(file, set_, storage, data_root) as spec:
            if not begins:
                _check_begun(spec, file)
            _run(spec, _machine(cpus, gpus, address, insecure=insecure), retry_failed=retry_failed)

    command.__doc__ = help_
    return command


run = _training_command(
    "Run a sweep to its report. A sweep that was begun continues from its records.", begins=True
)
resume = _training_command(
    "Continue a sweep that was begun; the same as run, but never begins a sweep.", begins=False
)


def plan(
    file: SpecFile,
    set_: Set = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    cpus: Cpus = None,
    gpus: Gpus = None,
    form: Form = None,
) -> None:
    """Show what a sweep would run and about how long it takes. Starts nothing."""
    with _loaded(file, set_, storage, data_root) as spec:
        checked = as_begun(preflight(spec))
    show(plan_table(plan_sweep(checked, cpus, gpus)), form)


def _check_begun(spec: SweepSpec, file: Path) -> None:
    with attributed_to("storage"):
        layout = sweep_layout(spec.storage, spec.name)
    if not layout.root.exists():
        raise UserError(
            f"nothing to resume: there is no sweep in {layout.place}; begin it with 'causalmer run {file}'"
        )


def _machine(cpus: int | None, gpus: int | None, address: str | None, *, insecure: bool) -> Machine:
    if address is not None and (cpus is not None or gpus is not None):
        raise UserError(
            "--cpus and --gpus limit a private Ray; a cluster (--address) has what its nodes were started with"
        )
    return Machine(cpus, gpus, address, insecure)


def _run(spec: SweepSpec, machine: Machine, *, retry_failed: bool) -> None:
    screen = console()
    with attributed_to("storage"):
        layout = sweep_layout(spec.storage, spec.name)
    if layout.root.exists():
        restore_manifest(layout, partial(screen.print, markup=False, soft_wrap=True))
    checked = preflight(spec)
    run_sweep(checked, machine, screen, retry_failed=retry_failed)
    results = open_sweep(checked.layout)
    screen.print()
    screen.print(Screen([leaderboard_table(results), *final_evaluation_tables(results)]))


def overrides_of(
    assignments: list[str] | None, storage: str | None, data_root: Path | None
) -> dict[str, Any]:
    """The values that options set in place of the file's, by dotted key."""
    overrides: dict[str, Any] = dict(parse_assignment(text) for text in assignments or [])
    if storage is not None:
        overrides["storage"] = storage
    if data_root is not None:
        overrides["data.root"] = str(data_root)
    return overrides


def run_options(assignments: list[str] | None, storage: str | None, data_root: Path | None) -> list[str]:
    """The same options as words of another command line."""
    given = [("--set", text) for text in assignments or []]
    given += [("--storage", storage)] if storage is not None else []
    given += [("--data-root", str(data_root))] if data_root is not None else []
    return [word for option in given for word in option]


@contextmanager
def _loaded(
    file: Path, assignments: list[str] | None, storage: str | None, data_root: Path | None
) -> Iterator[SweepSpec]:
    """The sweep of a file. A `SpecMismatchError` within the block is raised as an error with the file and the line."""
    overrides = overrides_of(assignments, storage, data_root)
    try:
        yield load_spec(file, overrides)
    except SpecMismatchError as error:
        raise located(error, file, overrides) from error
