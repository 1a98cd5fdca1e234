"""The phases of a sweep, and the jobs of the final evaluation, derived from records.

search      every proposal with the search seeds
confirm     the best configurations race on fresh seeds (`sweeps.jobs.confirm`)
select      by the mean over these seeds, validation only (`results.ranking.selection`)
evaluate    the selected configuration, the paper's default and the undebiased twin of the selected configuration, with
            seeds that no selection used
debias      constants and weights for the selected configuration's runs, validation only, without training
            (`sweeps.debiasing.phase`)

The test split is opened after the phase `debias`. A run that has ended is never trained again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from causalmer_core.config.identity import config_id, identity
from causalmer_core.config.run_config import RunConfig
from results.evaluation.final_evaluation import PAPER, SELECTED, UNDEBIASED
from results.ranking.configuration_runs import CANDIDATE
from results.ranking.confirmation_race import most_confirmation_runs
from results.records.histories import RunHistory
from sweeps.jobs.job import Job
from sweeps.search.results import searched_histories
from sweeps.space.search_space import SearchSpace
from sweeps.spec.configurations import Configurations, nested_leaves, undebiased
from sweeps.spec.sweep_spec import SweepSpec

PHASES = ("search", "confirm", "evaluate")
"""The phases that train, in their order. Records name the phase of each run."""


def evaluate_jobs(
    spec: SweepSpec, configurations: Configurations, selected: RunConfig, histories: Iterable[RunHistory]
) -> list[Job]:
    """The contenders of the final evaluation with every evaluation seed, each configuration once.

    Jobs are ordered by seed: an interrupted evaluation has compared all contenders on its first seeds. A configuration
    that the search proposed keeps its number and its values.
    """
    roles = {CANDIDATE: selected, PAPER: configurations.paper, UNDEBIASED: undebiased(selected)}
    first = {config_id(config): role for role, config in reversed(roles.items())}
    proposed = {history.key.config_id: history for history in searched_histories(histories)}
    jobs = []
    for seed in spec.seed_plan().evaluate:
        for role, config in roles.items():
            identity = config_id(config)
            if first[identity] == role:
                jobs.append(_job(configurations.space, config, seed, role, proposed.get(identity)))
    return jobs


def contender_configs(configurations: Configurations, selected: RunConfig) -> dict[str, str]:
    """The config_id of each contender of the final evaluation, by the contender's name."""
    return {
        SELECTED: config_id(selected),
        PAPER: config_id(configurations.paper),
        UNDEBIASED: config_id(undebiased(selected)),
    }


def most_runs(spec: SweepSpec) -> dict[str, int]:
    """The largest number of runs of each phase, by its name."""
    seeds, limit = spec.seed_plan(), spec.budget.runs
    configurations = spec.num_configs if limit is None else min(limit, spec.num_configs)
    active = min(spec.seeds.top_k, configurations)
    return {
        "search": configurations * len(seeds.search),
        "confirm": most_confirmation_runs(spec.confirmation, active, len(seeds.confirm)),
        "evaluate": 3 * len(seeds.evaluate),
    }


def _job(space: SearchSpace, config: RunConfig, seed: int, role: str, proposed: RunHistory | None) -> Job:
    number = proposed.number if proposed else None
    values = proposed.values if proposed else _searched_values(space, config)
    return Job(config=config, seeds=(seed,), phase="evaluate", role=role, number=number, values=values)


def _searched_values(space: SearchSpace, config: RunConfig) -> dict[str, Any]:
    """The searched parameters that are present in the configuration, with their values."""
    found = nested_leaves(identity(config))
    values = {path: found[path] for path in space.paths if path in found}
    return {path: value for path, value in values.items() if space.is_present(path, values)}
