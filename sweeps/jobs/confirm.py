"""The confirmation's runs: the best of the search race on fresh seeds, by the rule of `results.ranking.confirmation_race`.

Which round is on follows from the records alone. Between two rounds nothing is asked but the records, so a confirmation
that was killed goes on where it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import final

from causalmer_core.config.run_config import RunConfig
from results.ranking.configuration_runs import confirmation_race, grouped, run_record
from results.ranking.confirmation_race import Race
from results.records.histories import RunHistory
from results.records.manifest import SweepManifest
from results.records.schemas import RunKey
from sweeps.jobs.job import Job
from sweeps.jobs.source import JobSource, NoJob, ReadRun, TakeOver, has_ended, nothing_to_take_over
from sweeps.search.results import searched_histories


@final
class ConfirmJobs(JobSource):
    """The jobs of one round after another.

    Args:
        manifest: the rule, the seeds, and which way scores are better.
        best: of each configuration that is to be confirmed a run of the search.
        histories: all that is on record; configurations that were confirmed before race on with the others.
        read_run: looks a run up in the records.
        take_over: takes a run over from another sweep.
    """

    def __init__(
        self,
        manifest: SweepManifest,
        best: Iterable[RunHistory],
        histories: Sequence[RunHistory],
        read_run: ReadRun,
        take_over: TakeOver = nothing_to_take_over,
    ) -> None:
        self._manifest = manifest
        self._read_run = read_run
        self._take_over = take_over
        measures = manifest.objectives.measures
        searched = {history.key.config_id: history for history in searched_histories(histories)}
        begun = {h.key.config_id for h in histories if h.key.seed in manifest.confirm_seeds}
        self._chosen = {history.key.config_id: history for history in best}
        self._chosen |= {config_id: searched[config_id] for config_id in begun & searched.keys()}
        self._records = {history.key: run_record(history, measures) for history in histories}
        self._waiting: deque[Job] = deque()
        self._running: set[RunKey] = set()

    def race(self) -> Race:
        """How the confirmation stands."""
        return confirmation_race(grouped(self._records.values()), self._manifest, self._chosen)

    def next_job(self) -> Job | NoJob:
        """The next run of the round that is on; none until all of its runs have ended."""
        while True:
            while self._waiting:
                job = self._waiting.popleft()
                if not has_ended(job, self._read_run) and not self._take_over(job):
                    self._running.add(job.key)
                    return job
                self._settle(job)
            if self._running:
                return NoJob.LATER
            standing = self.race()
            if not standing.pending:
                return NoJob.NEVER
            self._waiting.extend(self._round(standing))

    def completed(self, job: Job) -> None:
        """Read what came of a run."""
        self._running.discard(job.key)
        self._settle(job)

    def close(self) -> None:
        """Nothing is held."""

    def _settle(self, job: Job) -> None:
        for key in job.keys:
            history = self._read_run(key)
            if history is not None:
                self._records[key] = run_record(history, self._manifest.objectives.measures)

    def _round(self, standing: Race) -> Iterable[Job]:
        """Ordered by seed, so that what is cut short has compared all on the first seeds."""
        for seed in standing.pending:
            for config_id in standing.active:
                run = self._records.get(RunKey(config_id, seed))
                if run is None or not run.state.is_final:
                    yield confirm_job(self._chosen[config_id], seed)


def confirm_job(history: RunHistory, seed: int) -> Job:
    """The configuration of a run of the search, with another seed."""
    return Job(
        config=RunConfig.read(history.config),
        seeds=(seed,),
        phase="confirm",
        role="candidate",
        number=history.number,
        values=history.values,
    )
