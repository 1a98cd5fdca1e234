"""`causalmer results`: look at a sweep's records, select, evaluate, report, compare, export."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from causalmer_core.config.run_config import RunConfig
from results.evaluation.final_evaluation import final_evaluation
from results.ranking.importance import Importance
from results.ranking.selection import Selection, read_selection, select
from results.ranking.selection_rules import RULES
from results.ranking.unfinished import unfinished
from results.records.compaction import compact, table_file
from results.records.dataset import open_sweep
from results.records.layout import TABLES, SweepLayout
from results.records.manifest import read_sweep_manifest
from results.report.best_yaml import write_best_yaml
from results.report.evaluation_tables import final_evaluation_tables
from results.report.leaderboard_table import leaderboard_table
from results.report.report import write_report
from results.storage.locks import exclusive_lock
from sweeps.cli.checkpoint.app import Remove, Split, show_evaluation
from sweeps.cli.options import (
    OptionalSweep,
    StorageOption,
    SweepArgument,
    data_root_of,
    named_sweep,
    named_sweep_and_file,
    unwritable,
)
from sweeps.cli.output import Form, console, messages, show
from sweeps.cli.results import papers
from sweeps.cli.results.verify import verify
from sweeps.debiasing.phase import debias
from sweeps.jobs.evaluate import contender_configs
from sweeps.spec.configurations import Configurations
from sweeps.spec.sweep_spec import load_stored_spec

app = typer.Typer(
    help="Rank, select, evaluate, report, compare and export what a sweep recorded.", no_args_is_help=True
)


@app.command("leaderboard")
def show_leaderboard(sweep: SweepArgument, storage: StorageOption = None, form: Form = None) -> None:
    """Rank the configurations by mean validation score over complete sets of seeds."""
    show(leaderboard_table(open_sweep(named_sweep(sweep, storage))), form)


@app.command("select")
def select_configuration(
    sweep: SweepArgument,
    rule: Annotated[
        str | None, typer.Option("--rule", help=f"How to choose: {', '.join(RULES)}; default: the sweep's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the configuration as a sweep YAML.")
    ] = None,
    storage: StorageOption = None,
) -> None:
    """Choose a configuration by validation records alone, and say why."""
    results = open_sweep(named_sweep(sweep, storage))
    chosen = select(results, rule or results.manifest.selection_rule)
    screen = console()
    if open_runs := unfinished(results):
        screen.print(Text(open_runs))
    _say_why(screen, chosen)
    screen.print(Text(f"written to {results.layout.store.shown(results.layout.selection)}"))
    if out is not None:
        write_best_yaml(results, chosen, out)
        screen.print(Text(f"written to {out}"))


@app.command("evaluate")
def evaluate_selection(
    sweep: OptionalSweep = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Open the test split for another selection; the ledger shows it."),
    ] = False,
    storage: StorageOption = None,
    data_root: Annotated[
        Path | None, typer.Option("--data-root", help="Folder of data sets, before the file's 'data.root'.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="DIR", help="Instead of a sweep, as 'causalmer checkpoint evaluate' does."
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="NAME", help="With --checkpoint: the data set.")
    ] = None,
    remove: Remove = None,
    split: Split = "valid",
    form: Form = None,
) -> None:
    """Evaluate the selection, the paper's default and the undebiased twin on the test split, and show them.

    What is on record already is not evaluated again.
    """
    if checkpoint is not None:
        if sweep is not None or storage is not None or again or data is None:
            raise UserError(
                "--checkpoint is evaluated on a data set: give --data NAME, and no SWEEP, --storage or --again"
            )
        show_evaluation(checkpoint, data, remove=remove, split=split, data_root=data_root, form=form)
        return
    if sweep is None:
        raise UserError("give a sweep (its YAML file, folder or name), or --checkpoint DIR with --data NAME")
    if data is not None or remove or split != "valid":
        raise UserError("--data, --remove and --split go with --checkpoint; a sweep has its own")
    layout, given = named_sweep_and_file(sweep, storage)
    selection = read_selection(layout)
    if selection is None:
        raise UserError(
            f"{layout.place} has no selection yet; continue the sweep with 'causalmer resume', or choose with "
            f"'causalmer results select {sweep}'"
        )
    spec = load_stored_spec(layout)
    given = given or spec
    selected, root = RunConfig.read(selection.config), data_root or data_root_of(given, spec)
    busy = f"another process runs the sweep in {layout.place}; wait for it, or stop it first"
    with layout.store.reserved(busy, partial(messages(form).print, markup=False, soft_wrap=True)):
        layout.store.pull_records()
        list(debias(layout, spec, selected, data_root=root))  # to the last, each put on record
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("runs on the test split", total=None)
            final_evaluation(
                layout,
                contender_configs(spec.configurations.on(selected.data.fingerprint), selected),
                data_root=root,
                kinds=given.evaluation.ablations,
                step_rates=given.evaluation.step_rates,
                again=again,
                on_progress=lambda done, of: bar.update(task, completed=done, total=of),
            )
    show(final_evaluation_tables(open_sweep(layout)), form)


@app.command("report")
def make_report(
    sweep: SweepArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; by default report.html in the sweep.")
    ] = None,
    storage: StorageOption = None,
) -> None:
    """Write the report, one self-contained HTML page."""
    from sweeps.search.importance import parameter_importance  # Optuna takes a second to import

    layout, screen = named_sweep(sweep, storage), console()
    importance: list[Importance] = []
    try:
        if layout.proposals.exists():
            importance = parameter_importance(layout, _configurations(layout))
    except DamagedFileError:
        raise
    except UserError as error:  # the sweep's YAML may be of another version; the page does without it
        screen.print(Text(f"note: without the importance of parameters: {error}"))
    try:
        path = write_report(layout, out, importance)
    except OSError as error:
        raise unwritable(out or layout.report, error) from error
    where = str(path) if out is not None else layout.store.shown(path)
    screen.print(Text(f"written to {where}"))


app.command("verify")(verify)
app.command("compare")(papers.compare_two)
app.command("table")(papers.table)


@app.command("export")
def export_tables(
    sweep: SweepArgument,
    out: Annotated[
        Path, typer.Option("--out", help="A folder for epochs.csv, runs.csv and evaluations.csv.")
    ],
    storage: StorageOption = None,
) -> None:
    """Write the tables as CSV."""
    results = open_sweep(named_sweep(sweep, storage))
    screen = console()
    for name in TABLES:
        path = out / f"{name}.csv"
        frame = getattr(results, name)
        try:
            write_text(path, frame.to_csv(index=False))
        except OSError as error:
            raise unwritable(path, error) from error
        screen.print(Text(f"{path}: {len(frame)} rows"))


@app.command("compact")
def compact_sweep(sweep: SweepArgument, storage: StorageOption = None) -> None:
    """Bring the Parquet tables up to the journals; safe at any time, and repeated without effect."""
    layout = named_sweep(sweep, storage)
    layout.store.pull_records()
    try:
        rows = compact(layout)
    except OSError as error:
        raise UserError(f"cannot write the tables in {layout.place}: {error.strerror or error}") from error
    screen = console()
    for name in TABLES:
        path = table_file(layout, name)
        size = path.stat().st_size
        screen.print(Text(f"{layout.store.shown(path)}: {rows[name]} rows, {size / 1e6:.2f} MB"))


@app.command("study")
def write_study_file(
    sweep: SweepArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; by default optuna.log in the sweep.")
    ] = None,
    storage: StorageOption = None,
) -> None:
    """Write Optuna's study of the search from the records alone, for optuna-dashboard."""
    from sweeps.search.optuna_file import write_study  # Optuna takes a second to import

    layout = named_sweep(sweep, storage)
    path = out or layout.study
    running = "it is running and keeps the file itself; open that, or write a copy with --out FILE"
    try:
        with exclusive_lock(layout.lock, wait=False, busy=running) if out is None else nullcontext():
            trials = write_study(layout, _configurations(layout), path)
    except OSError as error:
        raise unwritable(path, error) from error
    console().print(
        Text(f"written to {path}: {trials} trials; open it with: optuna-dashboard {path}"), soft_wrap=True
    )


def _configurations(layout: SweepLayout) -> Configurations:
    """The configurations of a sweep on record."""
    manifest = read_sweep_manifest(layout)
    return load_stored_spec(layout).configurations.on(manifest.dataset_fingerprint)


def _say_why(screen: Console, chosen: Selection) -> None:
    name = f"#{chosen.number}" if chosen.number is not None else chosen.config_id
    screen.print(Text(f"selected {name}: mean validation {chosen.metric} {chosen.interval}", style="bold"))
    for reason in chosen.reasons:
        screen.print(Text(f"- {reason}"))
