"""Warm start: the sampler learns configurations of an earlier sweep before the first proposal.

The configurations are copied into this sweep's journal of proposals, in one line, when the search begins. The earlier
sweep is not read again, so a resumed search proposes the same, even if the earlier sweep has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError, did_you_mean
from causalmer_core.config.run_config import RunConfig
from results.ranking.configuration_runs import of_histories
from results.records.dataset import find_sweep
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.objectives import Objectives
from results.storage.object_uri import is_uri
from sweeps.search.proposer import WarmStartTrial
from sweeps.search.results import Found, ranked_candidates, searched_histories
from sweeps.space.search_space import SearchSpace
from sweeps.spec.configurations import Configurations
from sweeps.spec.search_section import WarmStartSection
from sweeps.spec.sweep_spec import SweepSpec

KIND = "warm_start"
"""The kind of the line in the journal of proposals."""

CMAES_LEAST = 10
"""CMA-ES starts from the best tenth of the trials. With fewer trials than this it is empty."""


def as_row(trials: Sequence[WarmStartTrial]) -> dict[str, Any]:
    """The line of the journal of proposals that holds the trials."""
    rows = [asdict(trial) for trial in trials]
    # without objectives there are no measures, and the key is left out
    runs = [{key: value for key, value in row.items() if key != "measured" or value} for row in rows]
    return {"kind": KIND, "runs": runs}


def trials_on_record(rows: Sequence[dict[str, Any]]) -> list[WarmStartTrial] | None:
    """The trials in the rows of a journal of proposals; None if it has no such line."""
    found = [row["runs"] for row in rows if row["kind"] == KIND]
    return [WarmStartTrial(**run) for run in found[0]] if found else None


def gather(spec: SweepSpec, configurations: Configurations, objectives: Objectives) -> list[WarmStartTrial]:
    """The best finished configurations of the earlier search that lie in this sweep's space, the best first.

    If this sweep has objectives or constraints, all their measures must be on record for a configuration.

    Args:
        spec: this sweep, with its section `search.warm_start`.
        fingerprint: the data set's fingerprint.
        objectives: this sweep's objectives.

    Raises:
        UserError: there is no such sweep, it has other data or another metric, or too few of its configurations can be
            used.
    """
    section = spec.search.warm_start
    if section is None:
        return []
    layout = _layout(section, spec.storage)
    config, space = configurations.base, configurations.space
    _check_comparable(layout, config)
    seeds = read_sweep_manifest(layout).search_seeds
    runs = searched_histories(read_runs(layout))
    searched = {run.key.config_id: run for run in runs}
    found = ranked_candidates(of_histories(runs, objectives.measures), seeds, objectives)
    trials = [
        trial
        for each in found
        if (trial := _trial(each, searched[each.config_id].config, space, config)) is not None
    ]
    trials = trials[: section.top]
    if not trials:
        lacking = f" with {', '.join(objectives.measures)} on record" if objectives.measures else ""
        raise UserError(
            f"none of the {len(found)} finished configurations{lacking} of the search of {layout.root} lies in this "
            "sweep's space; allowed a sweep whose searched values overlap with it, or no search.warm_start"
        )
    if spec.search.sampler == "cmaes" and len(trials) < CMAES_LEAST:
        raise UserError(
            f"{layout.root} gives {len(trials)} configurations (search.warm_start.top is {section.top}), too few for "
            f"cmaes, which starts from their best tenth; allowed {CMAES_LEAST} or more, or another sampler"
        )
    return trials


def _layout(section: WarmStartSection, given: str) -> SweepLayout:
    """The earlier sweep's folder, found by its name below the storage, its path or its address."""
    if is_uri(given) or is_uri(section.sweep):
        return find_sweep(section.sweep, given)
    storage = Path(given)
    for root in (storage / section.sweep, Path(section.sweep)):
        if SweepLayout(root).manifest.is_file():
            return SweepLayout(root)
    names = sorted(path.parent.name for path in storage.glob("*/manifest.json"))
    hint = did_you_mean(section.sweep, names)
    known = ", ".join(names) if names else "none"
    raise UserError(
        f"no sweep {section.sweep!r}; sweeps in {storage}: {known}{hint}; or give a sweep's folder"
    )


def _check_comparable(layout: SweepLayout, config: RunConfig) -> None:
    manifest = read_sweep_manifest(layout)
    if manifest.dataset_fingerprint != config.data.fingerprint:
        raise UserError(
            f"{layout.root} ran on other data: fingerprint {manifest.dataset_fingerprint[:16]}, here "
            f"{config.data.fingerprint[:16]}; allowed a sweep on the same data"
        )
    if manifest.monitor != config.trainer.monitor:
        raise UserError(
            f"{layout.root} scored by {manifest.monitor!r}, this sweep scores by {config.trainer.monitor!r}; allowed a "
            "sweep with the same trainer.monitor"
        )


def _trial(
    found: Found, configuration: Mapping[str, Any], space: SearchSpace, config: RunConfig
) -> WarmStartTrial | None:
    """The trial of a configuration; None if it lies outside the space or was trained on another split."""
    earlier = RunConfig.read(configuration)
    values = space.default_point(earlier)
    if values is None or earlier.data.split != config.data.split:
        return None
    return WarmStartTrial(values, found.score, found.values)
