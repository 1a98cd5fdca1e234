"""The driver of a sweep: all phases, from the first proposal or the last record to the report."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Literal

from rich.console import Console

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from cluster.connection.watch import RayLostError
from results.evaluation.final_evaluation import final_evaluation, runs_to_evaluate
from results.integrity.repair import repair
from results.ranking.selection import current_selection, read_selection
from results.records.compaction import compact
from results.records.dataset import open_sweep
from results.records.histories import RunHistory, read_run, read_runs
from results.records.manifest import read_sweep_manifest
from results.records.schemas import RunKey
from results.records.seals import read_sealed, seal_all
from results.report.report import write_report
from results.storage.locks import exclusive_lock
from sweeps.debiasing.phase import chooses_after_training, debias
from sweeps.execution.machine import Machine, connected_ray
from sweeps.execution.retries import wait_seconds
from sweeps.execution.run_session import RunContext
from sweeps.execution.runner import run_jobs
from sweeps.gpu_memory.share_plan import SharePlan, plan_shares
from sweeps.jobs.chain import Phase, PhaseChain
from sweeps.jobs.confirm import ConfirmJobs
from sweeps.jobs.evaluate import contender_configs, evaluate_jobs, most_runs
from sweeps.jobs.job import Job
from sweeps.jobs.lost_weights import reopen_without_weights
from sweeps.jobs.reopen import job_of
from sweeps.jobs.retry_failed import reopen_failed
from sweeps.jobs.reuse import Reuse
from sweeps.jobs.search import SearchJobs, cut_of
from sweeps.jobs.source import JobList, JobSource, ReuseRuns, reuse_nothing
from sweeps.progress.progress import SweepProgress
from sweeps.progress.trackers import Tracking
from sweeps.search.importance import parameter_importance
from sweeps.search.optuna_file import StudyFile
from sweeps.search.results import best_candidates
from sweeps.setup.preflight import CheckedSweep
from sweeps.setup.sweep_folder import as_begun, begin_sweep, continue_sweep

_RULES = {
    "race": "; one is eliminated when its probability of being the best is small",
    "halving": "; after each round the worse are eliminated",
    "all": "",
}


def run_sweep(sweep: CheckedSweep, machine: Machine, console: Console, *, retry_failed: bool = False) -> None:
    """Run everything of a sweep that its records lack, and write the report.

    Args:
        sweep: the sweep.
        machine: the machine or cluster that the sweep runs on.
        console: the console that shows the progress.
        retry_failed: whether runs that ended as failed, oom or timeout are trained again.

    Raises:
        UserError: another process runs the sweep; its file or its data has changed; a trial needs more than the machine
            has; no configuration finished, or the first ones all failed; or a fault of the machine persists.
        KeyboardInterrupt: on Ctrl-C; every recorded epoch is kept.
    """
    layout = sweep.layout
    busy = f"another process runs the sweep in {layout.place}; wait for it, or stop it first"
    with ExitStack() as stack:
        stack.enter_context(layout.store.reserved(busy, partial(console.print, markup=False, soft_wrap=True)))
        begins = not layout.root.exists()
        if begins:
            begin_sweep(sweep)
        stack.enter_context(exclusive_lock(layout.lock, wait=False, busy=busy))
        layout.store.pull_records()
        layout.store.push_ahead()
        sweep = as_begun(sweep)
        progress = SweepProgress(
            console,
            layout.log,
            max_epochs=sweep.configurations.base.trainer.max_epochs,
            objectives=sweep.objectives,
        )
        stack.callback(layout.store.push, layout.log)
        stack.enter_context(progress.shown())
        for change in [] if begins else continue_sweep(sweep):
            progress.notify(f"continues with {change}")
        if not begins:
            repair(layout, progress.notify)
        if retry_failed and (opened := reopen_failed(layout)):
            progress.notify(f"tried again: {', '.join(key.stem for key in opened)}")
        progress.earlier(read_runs(layout))
        _Phases(sweep, machine, progress, stack).run()


class _Phases:
    """The phases one after another. Ray is started for the first job, and stops when the stack is closed."""

    def __init__(
        self, sweep: CheckedSweep, machine: Machine, progress: SweepProgress, stack: ExitStack
    ) -> None:
        self._spec = sweep.spec
        self._sweep = sweep
        self._layout = sweep.layout
        self._configurations = sweep.configurations
        self._machine = machine
        self._progress = progress
        self._ray = stack.enter_context(ExitStack())
        self._plan: SharePlan | None = None
        self._tracking = Tracking(self._layout, self._spec.tracking, progress.notify)
        self._reuse_runs: ReuseRuns = reuse_nothing
        if sweep.spec.reuse:
            self._reuse_runs = Reuse(
                sweep.layout,
                objectives=sweep.objectives,
                notify=progress.run_reused,
                warn=progress.notify,
            )

    def run(self) -> None:
        """Search, confirm, select, evaluate on unseen seeds, debias, open the test split, report."""
        for warning in self._sweep.method_warnings:
            self._progress.notify(f"note: {warning}")
        self._do(PhaseChain(self._phases()))
        self._compact()
        selected = self._select()  # again: its reasons now include the scores on unseen seeds
        self._debias(selected)
        self._open_test_split(selected)
        self._compact()
        importance = parameter_importance(self._layout, self._configurations)
        report = write_report(self._layout, importance=importance)
        self._progress.notify(f"report: {self._layout.store.shown(report)}")

    def _phases(self) -> list[Phase]:
        """The phases that train. The tables are brought up to date before each phase except the first."""
        return [self._search, *([self._confirm] if self._confirms else []), self._evaluate]

    def _search(self) -> Callable[[], JobSource]:
        text = f"{self._spec.configurations_text} with {self._seeds('search')}"
        self._progress.phase("search", text, runs=sum(most_runs(self._spec).values()))
        study = StudyFile(self._layout, self._configurations, self._progress.notify)
        return lambda: SearchJobs(
            self._spec,
            self._configurations,
            self._layout,
            objectives=self._sweep.objectives,
            read_run=self._read_run,
            reuse_runs=self._reuse_runs,
            watcher=study,
        )

    def _end_search(self) -> None:
        self._compact()
        if cut := cut_of(read_sealed(self._layout, self._layout.proposals)):
            self._progress.notify(f"search: cut by budget after {cut['number']} proposals, {cut['reason']}")

    def _confirm(self) -> Callable[[], JobSource]:
        self._end_search()
        manifest, histories = read_sweep_manifest(self._layout), read_runs(self._layout)
        best = best_candidates(histories, manifest.search_seeds, manifest.objectives, self._spec.seeds.top_k)
        runs = most_runs(self._spec)
        text = f"the best {len(best)} with {self._seeds('confirm')}{_RULES[self._spec.confirmation.name]}"
        self._progress.phase("confirm", text, runs=runs["confirm"] + runs["evaluate"])
        return lambda: ConfirmJobs(manifest, best, read_runs(self._layout), self._read_run, self._reuse_runs)

    def _select(self) -> RunConfig:
        """The selected configuration. The user is notified of new reasons."""
        before = read_selection(self._layout)
        selection = current_selection(open_sweep(self._layout), self._spec.selection.rule)
        known = () if before is None else before.reasons
        for reason in selection.reasons:
            if reason not in known:
                self._progress.notify(f"select: {reason}")
        return RunConfig.read(selection.config)

    def _evaluate(self) -> Callable[[], JobSource]:
        if self._confirms:
            self._compact()
        else:
            self._end_search()
        selected = self._select()
        again = self._without_weights(selected)
        jobs = evaluate_jobs(self._spec, self._configurations, selected, read_runs(self._layout))
        known = {job.key for job in jobs}
        # Sweeps of older versions evaluate the runs that ranked, and no job of this phase trains those.
        jobs += [job_of(run) for run in again if run.key not in known]
        text = (
            "the selected configuration, the paper's default and the undebiased twin with "
            f"{self._seeds('evaluate')}, which no selection used"
        )
        self._progress.phase("evaluate", text, runs=len(jobs))
        return lambda: JobList(jobs, self._read_run, self._reuse_runs)

    def _without_weights(self, selected: RunConfig) -> list[RunHistory]:
        """The runs whose weights an evaluation needs and that have to be trained again or to the end."""
        needed = runs_to_evaluate(
            self._layout,
            contender_configs(self._configurations, selected),
            kinds=self._spec.evaluation.ablations,
            step_rates=self._spec.evaluation.step_rates,
        )
        return reopen_without_weights(self._layout, needed, self._progress.run_reopened)

    def _debias(self, selected: RunConfig) -> None:
        if not chooses_after_training(self._spec, selected):
            return
        text = "constants and weights of the selected configuration's runs, chosen on validation"
        self._progress.phase("debias", text, runs=0)
        for key, record in debias(self._layout, self._spec, selected, data_root=self._sweep.data_root):
            if record.gain is not None:
                text = f"debias: seed {key.seed}, {record.method}, gain over the paper's {record.gain}"
                self._progress.notify(text)

    def _open_test_split(self, selected: RunConfig) -> None:
        asked = self._spec.evaluation
        opened = final_evaluation(
            self._layout,
            contender_configs(self._configurations, selected),
            data_root=self._sweep.data_root,
            kinds=asked.ablations,
            step_rates=asked.step_rates,
            on_progress=self._progress.evaluated,
        )
        self._progress.notify("evaluate: test split opened" if opened else "evaluate: already on record")

    def _seeds(self, phase: Literal["search", "confirm", "evaluate"]) -> str:
        seeds: tuple[int, ...] = getattr(self._spec.seed_plan(), phase)
        return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"

    def _do(self, source: JobSource) -> None:
        """Run all jobs. If Ray is lost, a new Ray continues from the records, as in a resumed sweep."""
        losses, epochs = 0, -1
        while True:
            try:
                self._run_all(source)
                return
            except RayLostError as error:
                self._plan = None
                self._ray.close()
                reached = sum(len(history.epochs) for history in read_runs(self._layout))
                losses, epochs = (1, reached) if reached > epochs else (losses + 1, epochs)
                self._wait_for_ray(error, losses)

    def _run_all(self, source: JobSource) -> None:
        try:
            first = source.next_job()
            if isinstance(first, Job):
                plan = self._started_ray(first)
                with self._tracking.showing() as callbacks:
                    run_jobs(
                        source,
                        first,
                        layout=self._layout,
                        context=run_context(self._sweep, plan.device),
                        shares=plan.shares,
                        retries=self._spec.failure.retries,
                        observer=self._progress,
                        callbacks=callbacks,
                    )
        finally:
            source.close()

    def _wait_for_ray(self, error: RayLostError, losses: int) -> None:
        if losses > self._spec.failure.retries:
            raise UserError(
                f"{error}, {losses} times in a row without an epoch in between; every recorded epoch is kept. "
                "Likely: memory or /tmp is full; free space, then run the same command again"
            ) from error
        self._progress.notify(f"{error}: continues with a new Ray in {wait_seconds(losses):g} s")
        time.sleep(wait_seconds(losses))

    def _started_ray(self, first: Job) -> SharePlan:
        """Start Ray, and plan the shares of the jobs: once for all phases, until Ray is lost."""
        if self._plan is None:
            notify = self._progress.notify
            self._ray.enter_context(connected_ray(self._machine, self._spec.resources.least, notify))
            self._plan = plan_shares(self._sweep, first, notify)
        return self._plan

    def _compact(self) -> None:
        """Bring the tables up to date. No run may be training."""
        self._layout.store.push_ahead()
        seal_all(self._layout)
        compact(self._layout)
        self._layout.store.push(self._layout.log)

    def _read_run(self, key: RunKey) -> RunHistory | None:
        return read_run(self._layout, key)

    @property
    def _confirms(self) -> bool:
        return bool(self._spec.seeds.confirm)


def run_context(sweep: CheckedSweep, device: str = "cpu") -> RunContext:
    """The context that all runs of a sweep share, on a device."""
    return RunContext(
        sweep=sweep.layout.store.address(sweep.layout.root),
        data_root=str(sweep.data_root.resolve()),
        dataset=sweep.spec.data.name,
        direction=sweep.objectives.direction,
        threads=sweep.spec.resources.least.threads,
        device=device,
        run_timeout=sweep.spec.failure.run_timeout,
        worst_missing=sweep.objectives.worst_missing,
    )
