"""The search as trials of Optuna, built from the records: trial n is proposal n."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from causalmer_core.config.identity import config_id
from results.records.histories import RunHistory, read_runs
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState
from results.records.seals import read_sealed
from sweeps.search.optuna_space import distributions
from sweeps.search.outcomes import Outcome, outcome
from sweeps.space.parameters import Value
from sweeps.spec.configurations import Configurations


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal of the search.

    Attributes:
        number: its number, from 0.
        config_id: the configuration that it led to.
        values: the values of the space, by dotted path.
    """

    number: int
    config_id: str
    values: Mapping[str, Value]


def recorded_trials(layout: SweepLayout, configurations: Configurations) -> list[FrozenTrial]:
    """The trials of all recorded proposals, in order.

    Args:
        layout: the sweep.
        configurations: the configurations of its runs.

    Raises:
        UserError: the folder holds no sweep.
    """
    manifest, known = read_sweep_manifest(layout), distributions(configurations.space)
    runs = {run.key: run for run in read_runs(layout)}
    rows = [row for row in read_sealed(layout, layout.proposals) if row["kind"] == "proposal"]
    trials = []
    for number, row in enumerate(rows):
        identity = config_id(configurations.of(row["values"]))
        found = [runs.get(RunKey(identity, seed)) for seed in manifest.search_seeds]
        proposal = Proposal(number, identity, row["values"])
        trials.append(trial_of(proposal, known, manifest.search_seeds, found, manifest.objectives))
    return trials


def trial_of(
    proposal: Proposal,
    known: Mapping[str, BaseDistribution],
    seeds: Sequence[int],
    runs: Sequence[RunHistory | None],
    objectives: Objectives,
) -> FrozenTrial:
    """A proposal as a trial, which is `running` until the runs on all seeds are over.

    The value and the intermediate values are means over seeds of the best scores so far. With several objectives the
    values are the means of the objectives, without intermediate values. A failed trial has no value.

    Args:
        proposal: the proposal.
        known: the distributions of the searched parameters, by path.
        seeds: the search seeds.
        runs: the run on each search seed; `None` for a run that was not started.
        objectives: the objectives, and constraints, whose violations are noted on the trial.
    """
    begun = [run for run in runs if run is not None]
    searched = [path for path in known if path in proposal.values]
    reached = outcome(begun, objectives.measures) if begun else Outcome(RunState.RUNNING, {})
    state = _state(reached, begun, len(seeds), objectives)
    curve = {} if objectives.is_multi_objective else reached.curve
    return FrozenTrial(
        number=proposal.number,
        trial_id=proposal.number,
        state=state,
        value=None,
        values=_values(reached, state, objectives),
        datetime_start=min((_time(run.spans[0][0]) for run in begun), default=datetime.now(UTC)),
        datetime_complete=max(_time(run.spans[-1][1]) for run in begun) if state.is_finished() else None,
        params={path: proposal.values[path] for path in searched},
        distributions={path: known[path] for path in searched},
        user_attrs={**_attributes(proposal, seeds, begun), **_violations(reached, objectives)},
        system_attrs={},
        intermediate_values={epoch: score for epoch, score in curve.items() if math.isfinite(score)},
    )


def _values(reached: Outcome, state: TrialState, objectives: Objectives) -> list[float] | None:
    if state not in (TrialState.COMPLETE, TrialState.PRUNED) or reached.score is None:
        return None
    return [*objectives.values(reached.measured)] if objectives.is_multi_objective else [reached.score]


def _state(reached: Outcome, begun: Sequence[RunHistory], seeds: int, objectives: Objectives) -> TrialState:
    is_whole = len(begun) == seeds or reached.state is not RunState.FINISHED
    if not begun or not is_whole or not all(run.state.is_final for run in begun):
        return TrialState.RUNNING
    if reached.score is None or reached.is_failure or not objectives.are_measured(reached.measured):
        return TrialState.FAIL
    return TrialState.PRUNED if reached.state is RunState.PRUNED else TrialState.COMPLETE


def _attributes(proposal: Proposal, seeds: Sequence[int], begun: Sequence[RunHistory]) -> dict[str, Any]:
    return {
        "number": proposal.number,
        "config_id": proposal.config_id,
        "seeds": list(seeds),
        "states": {str(run.key.seed): run.state.value for run in begun},
        "reason": next((run.reason for run in begun if run.reason), ""),
        "reused_from": next((run.reused_from for run in begun if run.reused_from), None),
    }


def _violations(reached: Outcome, objectives: Objectives) -> dict[str, float]:
    """By constraint how far it is violated, above 0, or kept."""
    found = objectives.violations(reached.measured) if reached.measured else {}
    return {f"violation of {measure}": value for measure, value in found.items()}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
