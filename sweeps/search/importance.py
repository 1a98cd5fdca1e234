"""How much each searched parameter matters for the search's scores, as Optuna's evaluators see it."""

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

LEAST_CONFIGURATIONS = 10
"""With fewer scores either method says little but noise, so nothing is said."""


def parameter_importance(layout: SweepLayout) -> list[Importance]:
    """The importance of the parameters that all configurations have, by two methods.

    fANOVA is the share of the variance of a random forest's prediction that a parameter explains alone or with others
    (Hutter, Hoos and Leyton-Brown, ICML 2014): over the whole space. PED-ANOVA compares where the better configurations
    lie with where all of them do (Watanabe, Bansal and Hutter, IJCAI 2023): for getting among the best. Both see the
    search scores, luck of their seeds and all; and of pruned configurations the best so far. With several objectives it
    is the importance for the first. Conditional parameters, which some configurations lack, are left out.

    Returns:
        Empty where nothing was proposed, fewer than `LEAST_CONFIGURATIONS` have scores, scores are all equal, or no
        parameter varies.

    Raises:
        UserError: the folder is no sweep.
    """
    if not layout.proposals.exists():
        return []
    manifest = read_sweep_manifest(layout)
    trials = [single for trial in recorded_trials(layout) if (single := _first_value(trial)) is not None]
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
    """The trial as a finished one of a single objective, none where it has no finite score."""
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
