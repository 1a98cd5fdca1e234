"""Optuna's view of a sweep's search, as Optuna reads it and as the records say it must be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend

from causalmer_core.config.identity import config_id
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.spec.sweep_spec import load_stored_spec


def read_study(path: Path) -> optuna.Study:
    """The one study in a file of Optuna's."""
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    return optuna.load_study(study_name=None, storage=storage)


def as_read(path: Path) -> list[dict[str, Any]]:
    """What Optuna makes of the file: a summary of each trial, in order."""
    return [
        {
            "state": trial.state.name,
            "value": None if trial.value is None else round(trial.value, 9),
            "params": trial.params,
            "epochs": sorted(trial.intermediate_values),
            "config_id": trial.user_attrs["config_id"],
            "states": trial.user_attrs["states"],
        }
        for trial in read_study(path).trials
    ]


def as_recorded(layout: SweepLayout) -> list[dict[str, Any]]:
    """The same from the records of a search whose configurations have one block of seeds and have all ended."""
    spec, manifest = load_stored_spec(layout), read_sweep_manifest(layout)
    runs = [run for run in read_runs(layout) if run.key.seed in manifest.search_seeds]
    found = []
    for row in read_journal(layout.proposals):
        if row["kind"] != "proposal":
            continue
        identity = config_id(spec.configurations.on(manifest.dataset_fingerprint).of(row["values"]))
        own = [run for run in runs if run.key.config_id == identity]
        states = {run.state for run in own}
        failed = bool(states - {RunState.FINISHED, RunState.PRUNED})
        scores = [run.score for run in own if run.score is not None]
        cut = [len(run.epochs) for run in own if run.state is not RunState.FINISHED]
        last = min(cut, default=max(len(run.epochs) for run in own))
        found.append(
            {
                "state": "FAIL" if failed else "PRUNED" if RunState.PRUNED in states else "COMPLETE",
                "value": None if failed else round(math.fsum(scores) / len(own), 9),
                "params": {
                    path: row["values"][path] for path in spec.space.searched_paths if path in row["values"]
                },
                "epochs": list(range(1, 1 + last)),
                "config_id": identity,
                "states": {str(run.key.seed): run.state.value for run in own},
            }
        )
    return found
