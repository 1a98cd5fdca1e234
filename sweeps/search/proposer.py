"""Proposals of configurations, repeatable to the last digit.

Each proposal makes a new sampler with its own random stream (`search`, proposal number). So proposal n depends only on
the sweep's search seed, on n, and on the outcomes that the sampler has learned. A study is never restored from a file:
it is replayed from the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from causalmer_core.basics.seeding import derive
from results.records.objectives import Objectives, ObjectiveValues
from results.records.schemas import RunState
from sweeps.search.optuna_space import always_present, suggested_values
from sweeps.search.outcomes import Outcome
from sweeps.search.samplers import STATEFUL, make_sampler, sobol_point
from sweeps.space.parameters import Value
from sweeps.space.search_space import SearchSpace
from sweeps.spec.search_section import GENETIC, SearchSection


@dataclass(frozen=True, slots=True)
class WarmStartTrial:
    """A finished configuration of another sweep that the sampler starts from.

    Attributes:
        values: the searched parameters in this sweep's space, by dotted path.
        score: its mean score.
        measured: the means of the measures of this sweep's objectives.
    """

    values: Mapping[str, Value]
    score: float
    measured: ObjectiveValues = field(default_factory=dict)


class Proposer:
    """Proposes configurations one after another and learns from outcomes.

    Args:
        space: the search space, bound to the fixed part of the configuration.
        section: the sampler, its seed, and its options.
        objectives: the score or the several objectives that the sampler learns, and constraints.
        first: the first proposals (the paper's default, listed points).
        warm_start_trials: configurations that the sampler learns before the first proposal.
    """

    def __init__(
        self,
        space: SearchSpace,
        section: SearchSection,
        objectives: Objectives,
        first: Sequence[Mapping[str, Value]] = (),
        warm_start_trials: Sequence[WarmStartTrial] = (),
    ) -> None:
        self._objectives = objectives
        self._space = space
        self._section = section
        self._always = always_present(space)
        self._is_stateful = section.sampler in STATEFUL and bool(self._always)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(directions=objectives.study_directions)
        self._first = first
        self._trials: list[Trial] = []
        self._warm_start: list[FrozenTrial] = []
        for number, run in enumerate(warm_start_trials):
            self._add_warm_start_trial(number, run)
        self._warm_start = self._study.get_trials()

    def propose(self) -> dict[str, Value]:
        """The next proposal: a value for each parameter that is present."""
        number = len(self._trials)
        planned = self._planned(number)
        drawn = self._drawn(number) if planned is None or self._is_stateful else {}
        values = drawn if planned is None else planned
        self._take(values)
        return values

    def repeat(self, values: Mapping[str, Value]) -> None:
        """Make the next proposal with the values on record."""
        if self._is_stateful:
            self._drawn(len(self._trials))  # so that all trials have the same numbers and notes as before
        self._take(values)

    def learn(self, number: int, outcome: Outcome) -> None:
        """Pass the outcome of a proposal to the sampler."""
        trial = self._trials[number]
        score = outcome.score if self._objectives.are_measured(outcome.measured) else None
        if score is None or outcome.state not in (RunState.FINISHED, RunState.PRUNED):
            self._study.tell(trial, state=TrialState.FAIL)
        elif outcome.state is RunState.PRUNED:
            self._constrain(trial, outcome.measured)
            trial.report(score, max(outcome.curve))
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._tell(trial, score, outcome.measured)

    def _tell(self, trial: Trial, score: float, measured: ObjectiveValues) -> None:
        """Tell the study a result: the score, or the values of several objectives."""
        self._constrain(trial, measured)
        self._study.tell(
            trial, self._objectives.values(measured) if self._objectives.is_multi_objective else score
        )

    def _constrain(self, trial: Trial, measured: ObjectiveValues) -> None:
        """Set each constraint of a trial. Samplers that use constraints take a value above 0 as a violation."""
        for measure, violation in self._objectives.violations(measured).items():
            trial.set_constraint(measure, violation)

    def _planned(self, number: int) -> dict[str, Value] | None:
        """The proposal, if it depends on no outcome and no sampler of Optuna; else None."""
        if number < len(self._first):
            return dict(self._first[number])
        if self._section.sampler == "qmc":
            return sobol_point(self._space, self._section.seed, number)
        if self._section.sampler == "grid":
            others = (point for point in self._space.grid() if point not in self._first)
            return next(islice(others, number - len(self._first), None))
        if self._section.sampler == "list":
            raise IndexError(f"proposal {number} of a list of {len(self._first)}")
        return None

    def _drawn(self, number: int) -> dict[str, Value]:
        """The sampler's proposal, drawn with a trial that is discarded."""
        # TPE notes its draws on a trial, also of absent parameters, and reads the notes of running trials. A trial
        # repeated from the records has no such note, so no trial may have one.
        self._seed("search", number)
        drawn = self._study.ask()
        values = suggested_values(self._space, drawn)
        self._study.tell(drawn, state=TrialState.FAIL)
        return values

    def _take(self, values: Mapping[str, Value]) -> None:
        self._trials.append(self._asked(values, note=self._is_stateful))

    def _add_warm_start_trial(self, number: int, run: WarmStartTrial) -> None:
        # the stream's name is part of the seed: with another name resumed sweeps could propose otherwise
        self._seed("taught", number)
        # a note puts the trial into the first generation; CMA-ES gets these trials as its source trials instead
        trial = self._asked(run.values, note=self._is_stateful and self._section.sampler in GENETIC)
        self._tell(trial, run.score, run.measured)

    def _asked(self, values: Mapping[str, Value], *, note: bool) -> Trial:
        """A running trial with these values; `note`: with the sampler's notes on it."""
        searched = self._space.searched_paths
        self._study.enqueue_trial({path: value for path, value in values.items() if path in searched})
        trial = self._study.ask()
        if note:
            _ = trial.relative_params  # samplers take their notes while they draw
        suggested_values(self._space, trial)
        return trial

    def _seed(self, stream: str, number: int) -> None:
        """Make a new sampler with its own random stream."""
        seed = derive(self._section.seed, stream, number) % 2**32
        self._study.sampler = make_sampler(self._section, seed, self._always, self._warm_start)
