"""The search space for Optuna: distributions of its parameters, and values from a trial."""

from __future__ import annotations

from typing import assert_never

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from sweeps.space.parameters import FloatInterval, IntInterval, Options, SearchedParameter, Value
from sweeps.space.search_space import SearchSpace


def suggested_values(space: SearchSpace, trial: BaseTrial) -> dict[str, Value]:
    """A value for each entry that is present, with the values of searched parameters from the trial."""
    return space.values(lambda path, entry: entry.canonical(_suggested(trial, path, entry)))


def always_present(space: SearchSpace) -> dict[str, BaseDistribution]:
    """The distributions, by path, of the searched parameters without conditions and with several values."""
    found = distributions(space)
    return {path: each for path, each in found.items() if not space[path].when and not each.single()}


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """The distributions of all searched parameters, by path, in the order of the space."""
    return {
        path: _distribution(entry)
        for path in space.paths
        if isinstance(entry := space[path], SearchedParameter)
    }


def _distribution(entry: SearchedParameter) -> BaseDistribution:
    match entry.distribution():
        case FloatInterval(low, high, log, step):
            return FloatDistribution(low, high, log=log, step=step)
        case IntInterval(low, high, log, step):
            return IntDistribution(low, high, log=log, step=step)
        case Options(choices):
            return CategoricalDistribution(choices)
        case other:
            assert_never(other)


def _suggested(trial: BaseTrial, path: str, entry: SearchedParameter) -> Value | None:
    match entry.distribution():
        case FloatInterval(low, high, log, step):
            return trial.suggest_float(path, low, high, step=step, log=log)
        case IntInterval(low, high, log, step):
            return trial.suggest_int(path, low, high, step=step, log=log)
        case Options(choices):
            return trial.suggest_categorical(path, choices)
        case other:
            assert_never(other)
