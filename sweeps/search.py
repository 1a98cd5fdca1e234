"""Proposals of configurations by Optuna, repeatable to the last digit.

The sampler is made anew for every proposal, with a random stream of its own (`search`, proposal number): proposal n
depends on the sweep's search seed, on n and on the outcomes it was told, and on nothing else. A study is therefore
never restored from a file: it is replayed from the records.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from causalmer_core.seeding import derive
from results.records import RunState
from sweeps.parameters import Value
from sweeps.scheduling import Curve
from sweeps.sections import SearchSection
from sweeps.space import SearchSpace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a proposal.

    Attributes:
        state: of its run; `finished` and `pruned` teach the sampler, every other state is a failure, never a bad score.
        curve: the best score so far after each epoch; empty where the run failed before the first.
    """

    state: RunState
    curve: Curve

    @property
    def score(self) -> float | None:
        """The best score, if there is a finite one."""
        last = self.curve[max(self.curve)] if self.curve else math.nan
        return last if math.isfinite(last) else None


class Proposer:
    """Proposes configurations one after another and learns from outcomes.

    Args:
        space: what is searched.
        section: the sampler, its seed, and how many proposals are random at first.
        direction: of the score.
        first: the proposal to begin with (the paper's default), or none.
    """

    def __init__(
        self,
        space: SearchSpace,
        section: SearchSection,
        direction: Literal["max", "min"],
        first: Mapping[str, Value] | None,
    ) -> None:
        self._space = space
        self._section = section
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(direction="maximize" if direction == "max" else "minimize")
        self._first = first
        self._trials: list[Trial] = []

    def propose(self) -> dict[str, Value]:
        """The next proposal: a value for each parameter that is present."""
        first = self._first if not self._trials else None
        values = self._sampled() if first is None else dict(first)
        self.repeat(values)
        return values

    def repeat(self, values: Mapping[str, Value]) -> None:
        """Take the next proposal as it stands in the records."""
        self._study.enqueue_trial(dict(values))
        trial = self._study.ask()
        self._space.suggest(trial)
        self._trials.append(trial)

    def learn(self, number: int, outcome: Outcome) -> None:
        """Tell the sampler what came of a proposal."""
        trial = self._trials[number]
        score = outcome.score
        if score is None or outcome.state not in (RunState.FINISHED, RunState.PRUNED):
            self._study.tell(trial, state=TrialState.FAIL)
        elif outcome.state is RunState.PRUNED:
            trial.report(score, max(outcome.curve))
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, score)

    def _sampled(self) -> dict[str, Value]:
        """What the sampler proposes, drawn with a trial that is thrown away.

        TPE notes on a trial what it drew for it, parameters that turned out absent among them, and reads that note
        when it draws beside a running trial. A trial repeated from the records has no such note, so none may have.
        """
        self._study.sampler = _sampler(self._section, len(self._trials))
        drawn = self._study.ask()
        values = self._space.suggest(drawn)
        self._study.tell(drawn, state=TrialState.FAIL)
        return values


def _sampler(section: SearchSection, number: int) -> BaseSampler:
    seed = derive(section.seed, "search", number) % 2**32
    options: dict[str, Any] = {"seed": seed}
    if section.sampler == "random":
        return RandomSampler(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # grouping is what makes the multivariate sampler work with conditional parameters
        return TPESampler(
            n_startup_trials=section.startup, multivariate=True, group=True, constant_liar=True, **options
        )
