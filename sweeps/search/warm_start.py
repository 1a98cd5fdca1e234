"""Warm start: what an earlier sweep found out teaches the sampler before the first proposal.

The runs are copied into this sweep's journal of proposals, in one line, when the search begins. From then on the
earlier sweep is not read again: whatever becomes of it, a resumed search proposes the same.
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
"""With fewer runs their best tenth, which CMA-ES starts from, is empty."""


def as_row(taught: Sequence[WarmStartTrial]) -> dict[str, Any]:
    """The line of the journal that holds the runs."""
    return {"kind": KIND, "runs": [_without_empty(asdict(run)) for run in taught]}


def _without_empty(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "measured" or value}


def trials_on_record(rows: Sequence[dict[str, Any]]) -> list[WarmStartTrial] | None:
    """The runs in a journal of proposals; none where it has no such line."""
    found = [row["runs"] for row in rows if row["kind"] == KIND]
    return [WarmStartTrial(**run) for run in found[0]] if found else None


def gather(spec: SweepSpec, configurations: Configurations, objectives: Objectives) -> list[WarmStartTrial]:
    """The best finished configurations of the earlier search whose values lie in this sweep's space, the best first.

    Where this sweep has objectives or constraints, only those of which all measures are on record.

    Raises:
        UserError: there is no such sweep, it is of other data or of another metric, or none of its configurations can
            be used.
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
    taught = [
        trial
        for each in found
        if (trial := _trial(each, searched[each.config_id].config, space, config)) is not None
    ]
    taught = taught[: section.top]
    if not taught:
        lacking = f" with {', '.join(objectives.measures)} on record" if objectives.measures else ""
        raise UserError(
            f"none of the {len(found)} finished configurations{lacking} of the search of {layout.root} lies in this "
            "sweep's space; allowed a sweep whose searched values overlap with it, or no search.warm_start"
        )
    if spec.search.sampler == "cmaes" and len(taught) < CMAES_LEAST:
        raise UserError(
            f"{layout.root} gives {len(taught)} configurations (search.warm_start.top is {section.top}), too few for "
            f"cmaes, which starts from their best tenth; allowed {CMAES_LEAST} or more, or another sampler"
        )
    return taught


def _layout(section: WarmStartSection, given: str) -> SweepLayout:
    """The earlier sweep's folder: below the storage by its name, or as a path or an address."""
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
    """The configuration as the sampler learns it; none where it lies outside the space, or saw other samples."""
    earlier = RunConfig.read(configuration)
    values = space.default_point(earlier)
    if values is None or earlier.data.split != config.data.split:
        return None
    return WarmStartTrial(values, found.score, found.values)
