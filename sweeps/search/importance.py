"""The importance of each searched parameter for the search scores, by Optuna's evaluators."""

from __future__ import annotations

import math
import warnings

import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from results.ranking.importance import Importance
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from sweeps.search.optuna_trials import recorded_trials
from sweeps.spec.configurations import Configurations

LEAST_CONFIGURATIONS = 10
"""The least number of scores: with fewer, both methods mostly report noise."""


def parameter_importance(layout: SweepLayout, configurations: Configurations) -> list[Importance]:
    """The importance of the parameters that all configurations have, by two methods.

    fANOVA fits a random forest to the scores over the whole space. The importance is the share of the variance of its
    predictions that a parameter explains, alone or with others (Hutter, Hoos and Leyton-Brown, ICML 2014). PED-ANOVA
    compares the distribution of the better configurations with the distribution of all (Watanabe, Bansal and Hutter,
    IJCAI 2023). Both use the search scores, which include the noise of their seeds. A pruned configuration counts with
    its best score so far. With several objectives the importance is for the first one. Conditional parameters are left
    out, because some configurations lack them.

    Args:
        layout: the sweep.
        configurations: the configurations of its runs.

    Returns:
        Empty if nothing was proposed, if fewer than `LEAST_CONFIGURATIONS` have scores, if all scores are equal, or if
        no parameter varies.

    Raises:
        UserError: the folder holds no sweep.
    """
    if not layout.proposals.exists():
        return []
    manifest = read_sweep_manifest(layout)
    trials = [
        single
        for trial in recorded_trials(layout, configurations)
        if (single := _first_value(trial)) is not None
    ]
    common = set.intersection(*(set(trial.params) for trial in trials)) if trials else set()
    varied = [path for path in common if len({trial.params[path] for trial in trials}) > 1]
    if len(trials) < LEAST_CONFIGURATIONS or len({trial.value for trial in trials}) < 2 or not varied:
        return []
    study = optuna.create_study(direction=manifest.objectives.study_directions[0])
    study.add_trials(trials)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for name, evaluator in (
            ("fANOVA", FanovaImportanceEvaluator(seed=0)),
            ("PED-ANOVA", PedAnovaImportanceEvaluator()),
        ):
            shares = get_param_importances(study, evaluator=evaluator, params=sorted(varied))
            found.append(Importance(name, dict(shares), len(trials)))
    return found


def _first_value(trial: FrozenTrial) -> FrozenTrial | None:
    """The trial as a finished one of a single objective; `None` without a finite score."""
    values = trial.values or ()
    if (
        trial.state not in (TrialState.COMPLETE, TrialState.PRUNED)
        or not values
        or not math.isfinite(values[0])
    ):
        return None
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE, params=trial.params, distributions=trial.distributions, value=values[0]
    )
