"""The folder of a sweep: made when it begins, compared with its file when it continues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.measures.metrics import metric_directions
from results.records.manifest import (
    SweepManifest,
    create_sweep,
    new_manifest,
    read_sweep_manifest,
    rewrite_sweep,
    text_digest,
)
from sweeps.setup.preflight import CheckedSweep
from sweeps.spec.problems import shown
from sweeps.spec.search_section import PatienceScheduler
from sweeps.spec.sweep_spec import SweepSpec, changed_values, load_stored_spec, to_yaml

MAY_CHANGE = (
    "storage",
    "data.root",
    "evaluation.",
    "resources.",
    "failure.",
    "budget.",
    "reuse",
    "tracking.",
)
"""Keys of a sweep's file that may change when the sweep continues: no existing record depends on them."""

MAY_GROW = ("search.num_configs", "seeds.confirm", "seeds.evaluate", "seeds.top_k")
"""Keys whose values may grow: every existing record belongs to the larger sweep too. The selection is made again."""

_CONFIGURATION = "it is part of every configuration, so the runs on record are of other configurations"
_WHY = {
    "base.": _CONFIGURATION,
    "method": _CONFIGURATION,
    "data.": "the runs on record are of this data",
    "paper_default": "the contender 'paper' on record is another configuration",
    "space": "the proposals on record are of another space",
    "search.": "every proposal follows from it",
    "objectives": "proposals, measures and confirmations follow from them",
    "constraints": "proposals, measures and confirmations follow from them",
    "scheduler": "it decided which runs were pruned",
    "seeds.": "it decides the seeds of each phase",
}
"""Why a key may not change, by the beginning of the key."""


def begin_sweep(sweep: CheckedSweep) -> None:
    """Make the folder of a sweep with its manifest and a copy of its file.

    Raises:
        UserError: the folder exists, or cannot be made.
    """
    spec, seeds = sweep.spec, sweep.spec.seed_plan()
    manifest = new_manifest(
        name=spec.name,
        objectives=sweep.objectives,
        metrics=metric_directions(sweep.data.task),
        parameters=sweep.configurations.space.column_types(),
        search_seeds=seeds.search,
        confirm_seeds=seeds.confirm,
        evaluate_seeds=seeds.evaluate,
        # A run that ends by patience is shorter than its configuration's runs in the confirmation, so it is not ranked.
        search_ranks=not isinstance(spec.scheduler, PatienceScheduler),
        confirmation=spec.confirmation,
        selection_rule=spec.selection.rule,
        paper=sweep.configurations.paper.model_dump(mode="json"),
        dataset=spec.data.name,
        dataset_fingerprint=sweep.data.fingerprint,
        sweep_id=sweep.layout.store.sweep_id,
    )
    create_sweep(sweep.layout, manifest, to_yaml(spec))


def as_begun(sweep: CheckedSweep) -> CheckedSweep:
    """The sweep with the part of a grid that it began with, if its file does not give `search.num_configs`.

    Earlier versions began with 12 points of a grid. A sweep that has not begun is returned as it is.

    Raises:
        UserError: the copy of its file in its folder cannot be read.
    """
    search, layout = sweep.spec.search, sweep.layout
    if search.sampler != "grid" or "num_configs" in search.model_fields_set or not layout.manifest.exists():
        return sweep
    begun = search.model_copy(
        update={"num_configs": _stored_spec(sweep, read_sweep_manifest(layout)).search.num_configs}
    )
    return replace(sweep, spec=sweep.spec.model_copy(update={"search": begun}))


def continue_sweep(sweep: CheckedSweep) -> list[str]:
    """Check that a sweep can continue with its file, and update the copy in its folder if values have grown.

    The caller must hold the sweep's lock.

    Returns:
        A text for each key whose value has grown.

    Raises:
        UserError: a key that may not change, or the data, has changed.
    """
    layout = sweep.layout
    manifest = read_sweep_manifest(layout)
    changed = {
        key: values
        for key, values in changed_values(_stored_spec(sweep, manifest), sweep.spec).items()
        if not key.startswith(MAY_CHANGE)
    }
    grown = {key: (was, now) for key, (was, now) in changed.items() if key in MAY_GROW and now > was}
    if refused := {key: values for key, values in changed.items() if key not in grown}:
        raise _refusal(sweep, refused)
    _check_data(sweep, manifest)
    if grown:
        seeds = sweep.spec.seed_plan()
        grown_seeds = {"confirm_seeds": seeds.confirm, "evaluate_seeds": seeds.evaluate}
        rewrite_sweep(layout, manifest.model_copy(update=grown_seeds), to_yaml(sweep.spec))
    return [f"{key} {now} instead of {was}" for key, (was, now) in grown.items()]


def _stored_spec(sweep: CheckedSweep, manifest: SweepManifest) -> SweepSpec:
    """The sweep as its folder has it. A damaged copy of its file is written again from the same file."""
    try:
        return load_stored_spec(sweep.layout)
    except DamagedFileError as error:
        text = to_yaml(sweep.spec)
        if text_digest(text) not in manifest.spec_sha256:
            raise UserError(
                f"{error}. The given file is not the one with which the sweep was last run"
            ) from error
        rewrite_sweep(sweep.layout, manifest, text)
        return sweep.spec


def _check_data(sweep: CheckedSweep, manifest: SweepManifest) -> None:
    if manifest.dataset_fingerprint != sweep.data.fingerprint:
        raise UserError(
            f"{sweep.layout.place} holds records made on other data: the fingerprint of {manifest.dataset!r} was "
            f"{manifest.dataset_fingerprint[:16]} and is {sweep.data.fingerprint[:16]}; run the same command again, "
            "which opens the version of the records, or give the sweep another name"
        )


def _refusal(sweep: CheckedSweep, changed: Mapping[str, tuple[Any, Any]]) -> UserError:
    layout = sweep.layout
    lines = [
        f"{layout.place} holds the records of a sweep whose file differed in {', '.join(changed)}; change this "
        f"back (see {layout.store.shown(layout.spec)}) to continue it, or give the sweep another name"
    ]
    lines += [
        f"{key}: was {_value(was)}, is {_value(now)}; {_why(key, was)}" for key, (was, now) in changed.items()
    ]
    may = ", ".join(key.rstrip(".") for key in MAY_CHANGE)
    lines.append(f"allowed to change: {may}; to grow: {', '.join(MAY_GROW)}")
    return UserError("\n".join(lines))


def _why(key: str, was: Any) -> str:
    if key in MAY_GROW:
        return f"it can only grow, so give {was} or more"
    return next(
        (why for start, why in _WHY.items() if key.startswith(start)), "the selection follows from it"
    )


def _value(value: Any) -> str:
    return "not given" if value is ... else shown(value)
