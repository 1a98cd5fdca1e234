"""The samplers of a search: Optuna's, made anew for each proposal, and Sobol points.

A proposal of Optuna's samplers depends on the study and on the seed. The samplers in `STATEFUL` also read attributes
that they wrote on earlier trials: their generation, or the state of CMA-ES. `sweeps.search.proposer` makes them write
the same attributes again when a search is repeated from its records.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIIISampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.stats.qmc import Sobol

from causalmer_core.basics.seeding import derive
from sweeps.space.parameters import Value
from sweeps.space.search_space import SearchSpace
from sweeps.spec.search_section import GENETIC, SearchSection

STATEFUL = ("cmaes", *GENETIC)
"""Samplers that read attributes that they wrote on earlier trials."""


def sobol_point(space: SearchSpace, seed: int, number: int) -> dict[str, Value]:
    """Proposal `number` of a search with this seed: a point of a scrambled Sobol sequence.

    The points spread evenly over the space (Owen, J. Complexity 14, 1998). The seed scrambles the sequence.
    """
    # Absent parameters keep their coordinates, so that a condition changes no other value.
    paths = space.searched_paths
    point: dict[str, float] = {}
    if paths:
        engine = Sobol(len(paths), scramble=True, seed=derive(seed, "search", "sobol"))
        if number:
            engine.fast_forward(number)
        point = dict(zip(paths, engine.random(1)[0].tolist(), strict=True))
    return space.values(lambda path, entry: entry.at(point[path]))


def make_sampler(
    section: SearchSection,
    seed: int,
    always: dict[str, BaseDistribution],
    taught: Sequence[FrozenTrial] = (),
) -> BaseSampler:
    """The sampler of one proposal.

    Args:
        section: the sampler's name and options.
        seed: the seed of its random stream.
        always: the distributions of the parameters that are present in every proposal, by path.
        taught: the trials of an earlier sweep that the search starts from.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if section.sampler == "random":
            return RandomSampler(seed=seed)
        if section.sampler == "tpe":
            # The multivariate sampler needs groups to handle conditional parameters.
            return TPESampler(
                n_startup_trials=section.startup,
                multivariate=True,
                group=True,
                constant_liar=True,
                seed=seed,
            )
        if section.sampler == "gp":
            gp = GPSampler(seed=seed, n_startup_trials=section.startup, warn_independent_sampling=False)
            return FixedRelativeSpace(gp, always)
        if section.sampler == "cmaes":
            return _cmaes(section, seed, always, taught)
        return _genetic(section, seed, always)


def _genetic(section: SearchSection, seed: int, always: dict[str, BaseDistribution]) -> BaseSampler:
    options: dict[str, Any] = {"seed": seed}
    if section.population is not None:
        options["population_size"] = section.population
    sampler = NSGAIISampler(**options) if section.sampler == "nsga2" else NSGAIIISampler(**options)
    return FixedRelativeSpace(sampler, always)


def _cmaes(
    section: SearchSection, seed: int, always: dict[str, BaseDistribution], taught: Sequence[FrozenTrial]
) -> BaseSampler:
    numbers = {
        path: distribution
        for path, distribution in always.items()
        if not isinstance(distribution, CategoricalDistribution)
    }
    source = [_part_of(trial, numbers) for trial in taught]
    sampler = CmaEsSampler(
        seed=seed,
        n_startup_trials=0,
        popsize=section.population,
        warn_independent_sampling=False,
        source_trials=source or None,
    )
    return FixedRelativeSpace(sampler, numbers)


def _part_of(trial: FrozenTrial, paths: dict[str, BaseDistribution]) -> FrozenTrial:
    """The trial reduced to these parameters: CMA-ES accepts source trials of exactly its own space only."""
    return create_trial(
        state=TrialState.COMPLETE,
        value=trial.value,
        params={path: trial.params[path] for path in paths},
        distributions=paths,
    )


class FixedRelativeSpace(BaseSampler):
    """Samples a fixed set of parameters jointly by another sampler, and the other parameters independently.

    Args:
        sampler: the other sampler.
        together: the distributions of the parameters to sample jointly, by path.
    """

    # By default Optuna samples the parameters jointly that all trials so far have. This set shrinks with the first
    # proposal without a conditional parameter, and CMA-ES then samples at random for the rest of the search.

    def __init__(self, sampler: BaseSampler, together: dict[str, BaseDistribution]) -> None:
        self._sampler = sampler
        self._together = together

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._together

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._sampler.before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self._sampler.after_trial(study, trial, state, values)
