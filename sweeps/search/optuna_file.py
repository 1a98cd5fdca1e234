"""The file with Optuna's study of the search, a view for optuna-dashboard.

The file is written anew from the records whenever the search starts or is resumed, because Optuna cannot read a journal
with a torn line, as a kill may cause. Between starts, each proposal and each end is appended with one write. The search
itself never reads the file, and no failure to write it affects the sweep.
"""

from __future__ import annotations

import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from causalmer_core.basics.files import written_aside
from results.records.histories import RunHistory
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from sweeps.search.optuna_space import distributions
from sweeps.search.optuna_trials import Proposal, recorded_trials, trial_of
from sweeps.space.parameters import Value
from sweeps.spec.configurations import Configurations

_LOCK_SECONDS = 3
"""The longest delay of a write by the lock of a killed reader."""


def write_study(layout: SweepLayout, configurations: Configurations, path: Path) -> int:
    """Write the study of a sweep's search from its records, completely or not at all.

    Args:
        layout: the sweep.
        configurations: the configurations of its runs.
        path: the file to write, for `optuna-dashboard` or `optuna.storages.journal.JournalFileBackend`.

    Returns:
        The number of trials.

    Raises:
        UserError: the folder holds no sweep.
        OSError: the file cannot be written.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    manifest, trials = read_sweep_manifest(layout), recorded_trials(layout, configurations)
    with written_aside(path) as temporary:
        backend = _Backend(temporary)
        study = optuna.create_study(
            storage=JournalStorage(backend),
            study_name=manifest.name,
            directions=manifest.objectives.study_directions,
        )
        with backend.together(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([objective.measure for objective in manifest.objectives.all])
            study.set_user_attr("sweep_id", manifest.sweep_id)
            study.add_trials(trials)
    return len(trials)


class StudyFile:
    """The study file of a running search. Its writer must hold the sweep's lock.

    Args:
        layout: the sweep.
        configurations: the configurations of its runs.
        notify: called once if the file cannot be written; the search continues without the file.
    """

    def __init__(
        self, layout: SweepLayout, configurations: Configurations, notify: Callable[[str], None]
    ) -> None:
        self._path = layout.study
        self._notify = notify
        self._study: _OpenStudy | None = None
        with self._at_no_cost():
            write_study(layout, configurations, layout.study)
            self._study = _OpenStudy(layout, configurations)

    def proposed(self, number: int, config_id: str, values: Mapping[str, Value]) -> None:
        """Add a proposal, whether new or from the records."""
        with self._at_no_cost():
            if self._study is not None:
                self._study.add(Proposal(number, config_id, values))

    def ended(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        """Add the results of a configuration whose search runs are over.

        Args:
            config_id: the configuration.
            runs: its run on each search seed; `None` for a run that was not started.
        """
        with self._at_no_cost():
            if self._study is not None:
                self._study.end(config_id, runs)

    @contextmanager
    def _at_no_cost(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # no failure of a mere view may end a search
            self._study = None
            self._notify(
                f"note: {self._path} cannot be written ({type(error).__name__}: {error}); the search continues "
                "without it; 'causalmer results study' writes it from the records"
            )


class _OpenStudy:
    """The study file, open to append proposals and results."""

    def __init__(self, layout: SweepLayout, configurations: Configurations) -> None:
        manifest = read_sweep_manifest(layout)
        self._known = distributions(configurations.space)
        self._seeds = manifest.search_seeds
        self._objectives = manifest.objectives
        self._backend = _Backend(layout.study)
        self._storage = JournalStorage(self._backend)
        self._study = optuna.load_study(storage=self._storage, study_name=manifest.name)
        self._study_id = self._storage.get_study_id_from_name(manifest.name)
        self._running: defaultdict[str, list[Proposal]] = defaultdict(list)
        trials = self._study.get_trials(deepcopy=False)
        self._count = len(trials)
        for trial in trials:
            if trial.state is TrialState.RUNNING:
                proposal = Proposal(trial.number, trial.user_attrs["config_id"], trial.params)
                self._running[proposal.config_id].append(proposal)

    def add(self, proposal: Proposal) -> None:
        if proposal.number >= self._count:  # else a resumed search repeats a trial of the file
            self._study.add_trial(trial_of(proposal, self._known, self._seeds, (), self._objectives))
            self._count += 1
            self._running[proposal.config_id].append(proposal)

    def end(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        for proposal in self._running.pop(config_id, ()):
            trial = trial_of(proposal, self._known, self._seeds, runs, self._objectives)
            identifier = self._storage.get_trial_id_from_study_id_trial_number(
                self._study_id, proposal.number
            )
            with self._backend.together():
                for epoch, score in trial.intermediate_values.items():
                    self._storage.set_trial_intermediate_value(identifier, epoch, score)
                for key, value in trial.user_attrs.items():
                    self._storage.set_trial_user_attr(identifier, key, value)
                self._storage.set_trial_state_values(identifier, trial.state, trial.values)


class _Backend(JournalFileBackend):
    """Optuna's journal file, with a way to write several lines under one lock and one `fsync`."""

    def __init__(self, path: Path) -> None:
        lock = JournalFileSymlinkLock(str(path), grace_period=_LOCK_SECONDS)
        with suppress(RuntimeError):  # no lock exists
            lock.release()  # There is one writer at a time, so an existing lock belongs to a killed one.
        super().__init__(str(path), lock)
        self._held: list[dict[str, Any]] | None = None
        self._first = 0
        """The number of the first buffered line."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Buffer lines within the block, and write them together at its end."""
        held: list[dict[str, Any]] = []
        self._held = held
        yield
        self._held = None
        super().append_logs(held)
        # Reading makes the backend remember the positions of the new lines; else the next read scans the whole file.
        deque(super().read_logs(self._first), maxlen=0)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        if self._held is None:
            super().append_logs(logs)
        else:
            self._held += logs

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The lines from a number on, with buffered ones: the storage reads back each line that it writes."""
        if self._held is None:
            self._first = log_number_from
            for line in super().read_logs(log_number_from):
                self._first += 1
                yield line
        else:
            yield from self._held[log_number_from - self._first :]
