"""Optuna's study of the search in a file beside the records, for optuna-dashboard: a view that nothing is read from.

Proposals are made from the records (`sweeps.search.proposer`), and so is this file: anew whenever the search begins or goes on,
because a journal of Optuna's that a kill has torn in the middle of a line is unreadable ever after. In between, each
proposal and each end is appended with one write. Whatever goes wrong with it costs the sweep nothing.
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
from optuna.study import StudyDirection
from optuna.trial import TrialState

from causalmer_core.basics.files import written_aside
from results.records.histories import RunHistory
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from sweeps.search.optuna_trials import Proposal, recorded_trials, trial_of
from sweeps.search.samplers import distributions
from sweeps.space.parameters import Value
from sweeps.spec.sweep_spec import load_stored_spec

_OPTUNA = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
_LOCK_SECONDS = 3
"""So long a lock that a killed reader left beside the file holds a write up."""


def write_study(layout: SweepLayout, path: Path) -> int:
    """Write the study of a sweep's search from its records, whole or not at all.

    Args:
        layout: the sweep.
        path: the file, for `optuna-dashboard` or `optuna.storages.journal.JournalFileBackend`.

    Returns:
        The number of trials.

    Raises:
        UserError: the folder is no sweep.
        OSError: the file cannot be written.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    manifest, trials = read_sweep_manifest(layout), recorded_trials(layout)
    with written_aside(path) as temporary:
        backend = _Backend(temporary)
        study = optuna.create_study(
            storage=JournalStorage(backend),
            study_name=manifest.name,
            directions=[
                _OPTUNA[direction] for direction in manifest.goals.directions or (manifest.direction,)
            ],
        )
        with backend.together(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            objectives = [objective.measure for objective in manifest.goals.objectives]
            study.set_metric_names(objectives or [f"valid_{manifest.monitor}"])
            study.set_user_attr("sweep_id", manifest.sweep_id)
            study.add_trials(trials)
    return len(trials)


class StudyFile:
    """The study of a search that is going on; to be written by whoever holds the sweep's lock.

    Args:
        layout: the sweep.
        notify: is told, once, where the file cannot be written; the search goes on without it.
    """

    def __init__(self, layout: SweepLayout, notify: Callable[[str], None]) -> None:
        self._path = layout.study
        self._notify = notify
        self._study: _OpenStudy | None = None
        with self._at_no_cost():
            write_study(layout, layout.study)
            self._study = _OpenStudy(layout)

    def proposed(self, number: int, config_id: str, values: Mapping[str, Value]) -> None:
        """A proposal was made, or taken from the records."""
        with self._at_no_cost():
            if self._study is not None:
                self._study.add(Proposal(number, config_id, values))

    def ended(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        """A configuration's search is over; `runs` are those on the search seeds, none where one was not begun."""
        with self._at_no_cost():
            if self._study is not None:
                self._study.end(config_id, runs)

    @contextmanager
    def _at_no_cost(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever befalls a view, no search may end by it
            self._study = None
            self._notify(
                f"note: {self._path} cannot be written ({type(error).__name__}: {error}); the search goes on without "
                "it, and 'causalmer results study' makes it from the records"
            )


class _OpenStudy:
    """The file as it was last written, open for what comes."""

    def __init__(self, layout: SweepLayout) -> None:
        manifest = read_sweep_manifest(layout)
        self._known = distributions(load_stored_spec(layout.spec).bound_space())
        self._seeds = manifest.search_seeds
        self._goals = manifest.goals
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
        if proposal.number >= self._count:  # else a search that goes on has repeated it
            self._study.add_trial(trial_of(proposal, self._known, self._seeds, (), self._goals))
            self._count += 1
            self._running[proposal.config_id].append(proposal)

    def end(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        for proposal in self._running.pop(config_id, ()):
            trial = trial_of(proposal, self._known, self._seeds, runs, self._goals)
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
    """A journal of Optuna's whose lines can be written together: one lock and one `fsync` for all of them."""

    def __init__(self, path: Path) -> None:
        lock = JournalFileSymlinkLock(str(path), grace_period=_LOCK_SECONDS)
        with suppress(RuntimeError):  # there is none
            lock.release()  # of a writer that was killed: there is one writer at a time
        super().__init__(str(path), lock)
        self._held: list[dict[str, Any]] | None = None
        self._first = 0
        """The number of the first line that is held back."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within the block lines are held back, and stand in the file together after it."""
        held: list[dict[str, Any]] = []
        self._held = held
        yield
        self._held = None
        super().append_logs(held)
        deque(
            super().read_logs(self._first), maxlen=0
        )  # it notes where lines end, and would else search from the start

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        if self._held is None:
            super().append_logs(logs)
        else:
            self._held += logs

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The lines from a number on. The storage reads each line that it writes, and so those that are held back."""
        if self._held is None:
            self._first = log_number_from
            for line in super().read_logs(log_number_from):
                self._first += 1
                yield line
        else:
            yield from self._held[log_number_from - self._first :]
