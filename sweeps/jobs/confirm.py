"""The confirmation's runs: the best configurations of the search race on fresh seeds.

`results.ranking.confirmation_race` has the rule. The current round follows from the records alone, so a confirmation
that was killed resumes in the same round.
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
from sweeps.jobs.source import JobSource, NoJob, ReadRun, ReuseRuns, has_ended, reuse_nothing
from sweeps.search.results import searched_histories


@final
class ConfirmJobs(JobSource):
    """The jobs of one round after another.

    Args:
        manifest: the rule, the seeds, and the direction of scores.
        best: one search run of each configuration that is to be confirmed.
        histories: all runs on record. Configurations with runs on confirmation seeds race, too.
        read_run: reads a run from the records.
        reuse_runs: reuses a job's runs from another sweep.
    """

    def __init__(
        self,
        manifest: SweepManifest,
        best: Iterable[RunHistory],
        histories: Sequence[RunHistory],
        read_run: ReadRun,
        reuse_runs: ReuseRuns = reuse_nothing,
    ) -> None:
        self._manifest = manifest
        self._read_run = read_run
        self._reuse_runs = reuse_runs
        measures = manifest.objectives.measures
        searched = {history.key.config_id: history for history in searched_histories(histories)}
        begun = {h.key.config_id for h in histories if h.key.seed in manifest.confirm_seeds}
        self._chosen = {history.key.config_id: history for history in best}
        self._chosen |= {config_id: searched[config_id] for config_id in begun & searched.keys()}
        self._records = {history.key: run_record(history, measures) for history in histories}
        self._waiting: deque[Job] = deque()
        self._running: set[RunKey] = set()

    def race(self) -> Race:
        """The race as far as the records go."""
        return confirmation_race(grouped(self._records.values()), self._manifest, self._chosen)

    def next_job(self) -> Job | NoJob:
        """The next run of the current round. `LATER` while its last runs train, `NEVER` after the last round."""
        while True:
            while self._waiting:
                job = self._waiting.popleft()
                if not has_ended(job, self._read_run) and not self._reuse_runs(job):
                    self._running.add(job.key)
                    return job
                self._settle(job)
            if self._running:
                return NoJob.LATER
            race = self.race()
            if not race.pending:
                return NoJob.NEVER
            self._waiting.extend(self._round(race))

    def completed(self, job: Job) -> None:
        """Read the records of a run that has ended."""
        self._running.discard(job.key)
        self._settle(job)

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _settle(self, job: Job) -> None:
        for key in job.keys:
            history = self._read_run(key)
            if history is not None:
                self._records[key] = run_record(history, self._manifest.objectives.measures)

    def _round(self, race: Race) -> Iterable[Job]:
        # ordered by seed: an interrupted round has compared all configurations on its first seeds
        for seed in race.pending:
            for config_id in race.active:
                run = self._records.get(RunKey(config_id, seed))
                if run is None or not run.state.is_final:
                    yield confirm_job(self._chosen[config_id], seed)


def confirm_job(history: RunHistory, seed: int) -> Job:
    """A confirmation job: the configuration of a search run, with another seed."""
    return Job(
        config=RunConfig.model_validate(history.config),
        seeds=(seed,),
        phase="confirm",
        role="candidate",
        number=history.number,
        values=history.values,
    )
