"""The folder of a sweep: made when it begins, held against the sweep's file when it goes on."""

from __future__ import annotations

from causalmer_core.errors import UserError
from causalmer_core.metrics import metric_directions
from results.manifest import create_sweep, new_manifest, read_manifest
from sweeps.preflight import CheckedSweep
from sweeps.spec import changed_keys, load_spec, to_yaml

MAY_CHANGE = ("storage", "data.root", "evaluation.", "resources.")
"""Keys of a sweep's file that may change when it is continued: no record that there is depends on them."""


def begin_sweep(sweep: CheckedSweep) -> None:
    """Make the folder of a sweep that was checked: its manifest and its file.

    Raises:
        UserError: the folder exists, or cannot be made.
    """
    spec, seeds = sweep.spec, sweep.spec.seed_plan()
    manifest = new_manifest(
        name=spec.name,
        monitor=spec.base_config(sweep.data.fingerprint).trainer.monitor,
        direction=sweep.direction,
        metrics=metric_directions(sweep.data.task),
        parameters=spec.space.column_types(),
        search_seeds=seeds.search,
        confirm_seeds=seeds.confirm,
        dataset=spec.data.name,
        dataset_fingerprint=sweep.data.fingerprint,
    )
    create_sweep(sweep.layout, manifest, to_yaml(spec))


def check_unchanged(sweep: CheckedSweep) -> None:
    """A sweep goes on only if what its records depend on is as it was.

    Raises:
        UserError: a key of its file, or its data, has changed.
    """
    layout = sweep.layout
    manifest = read_manifest(layout)
    changed = [
        key for key in changed_keys(load_spec(layout.spec), sweep.spec) if not key.startswith(MAY_CHANGE)
    ]
    if changed:
        raise UserError(
            f"{layout.root} holds the records of a sweep whose file differed in {', '.join(changed)}; change that "
            f"back (see {layout.spec}) to continue it, or give the sweep another name"
        )
    if manifest.dataset_fingerprint != sweep.data.fingerprint:
        raise UserError(
            f"{layout.root} holds records made on other data: the fingerprint of {manifest.dataset!r} was "
            f"{manifest.dataset_fingerprint[:16]} and is {sweep.data.fingerprint[:16]}; import the same file again, "
            "or give the sweep another name"
        )
