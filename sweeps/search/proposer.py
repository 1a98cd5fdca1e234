"""Proposals of configurations, repeatable to the last digit.

The sampler is made anew for every proposal, with a random stream of its own (`search`, proposal number): proposal n
depends on the sweep's search seed, on n and on the outcomes it was told, and on nothing else. A study is therefore
never restored from a file: it is replayed from the records.
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
        values: in this space.
        score: its mean score.
        measured: the means of the measures that this sweep's goals are about.
    """

    values: Mapping[str, Value]
    score: float
    measured: ObjectiveValues = field(default_factory=dict)


class Proposer:
    """Proposes configurations one after another and learns from outcomes.

    Args:
        space: what is searched, bound to its fixed part.
        section: the sampler, its seed, and its options.
        objectives: what is learned: the score, or the values of several objectives, and constraints.
        first: the proposals to begin with (the paper's default, listed points).
        taught: what the sampler knows before the first proposal.
    """

    def __init__(
        self,
        space: SearchSpace,
        section: SearchSection,
        objectives: Objectives,
        first: Sequence[Mapping[str, Value]] = (),
        taught: Sequence[WarmStartTrial] = (),
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
        self._taught: list[FrozenTrial] = []
        for number, run in enumerate(taught):
            self._teach(number, run)
        self._taught = self._study.get_trials()

    def propose(self) -> dict[str, Value]:
        """The next proposal: a value for each parameter that is present."""
        number = len(self._trials)
        planned = self._planned(number)
        drawn = self._drawn(number) if planned is None or self._is_stateful else {}
        values = drawn if planned is None else planned
        self._take(values)
        return values

    def repeat(self, values: Mapping[str, Value]) -> None:
        """Take the next proposal as it stands in the records."""
        if self._is_stateful:
            self._drawn(len(self._trials))  # so that all trials have the numbers and the notes that they had
        self._take(values)

    def learn(self, number: int, outcome: Outcome) -> None:
        """Tell the sampler what came of a proposal."""
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
        """A result: the score, or the values of several objectives."""
        self._constrain(trial, measured)
        self._study.tell(
            trial, self._objectives.values(measured) if self._objectives.is_multi_objective else score
        )

    def _constrain(self, trial: Trial, measured: ObjectiveValues) -> None:
        """Note on a trial how far it violates each constraint: above 0 is a violation to every sampler that looks."""
        for measure, violation in self._objectives.violations(measured).items():
            trial.set_constraint(measure, violation)

    def _planned(self, number: int) -> dict[str, Value] | None:
        """The proposal, where it does not depend on any outcome and on no sampler of Optuna's."""
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
        """What the sampler proposes, drawn with a trial that is thrown away.

        TPE notes on a trial what it drew for it, parameters that turned out absent among them, and reads that note
        when it draws beside a running trial. A trial repeated from the records has no such note, so none may have.
        """
        self._seed("search", number)
        drawn = self._study.ask()
        values = suggested_values(self._space, drawn)
        self._study.tell(drawn, state=TrialState.FAIL)
        return values

    def _take(self, values: Mapping[str, Value]) -> None:
        self._trials.append(self._asked(values, note=self._is_stateful))

    def _teach(self, number: int, run: WarmStartTrial) -> None:
        self._seed("taught", number)
        # a note puts it into the first generation; CMA-ES is given these trials as such
        trial = self._asked(run.values, note=self._is_stateful and self._section.sampler in GENETIC)
        self._tell(trial, run.score, run.measured)

    def _asked(self, values: Mapping[str, Value], *, note: bool) -> Trial:
        """A running trial with these values, with the sampler's notes on it if it keeps any."""
        searched = self._space.searched_paths
        self._study.enqueue_trial({path: value for path, value in values.items() if path in searched})
        trial = self._study.ask()
        if note:
            _ = trial.relative_params  # samplers take their notes while they draw
        suggested_values(self._space, trial)
        return trial

    def _seed(self, stream: str, number: int) -> None:
        """Make the sampler anew, with a random stream of its own."""
        seed = derive(self._section.seed, stream, number) % 2**32
        self._study.sampler = make_sampler(self._section, seed, self._always, self._taught)
