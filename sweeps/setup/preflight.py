"""The checks before the first trial: the data, the metric, the model, the storage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.run_config import AlbertBranchConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.folds import validating_ids
from causalmer_core.datasets.store import (
    default_root,
    has_intact_version,
    open_training_data,
    read_dataset_manifest,
    write_dataset,
)
from causalmer_core.datasets.synthetic import SyntheticConfig, make_synthetic
from causalmer_core.method.method_warnings import method_warnings
from causalmer_core.models.albert_files import weights_digest
from causalmer_core.models.build import build_model
from results.records.layout import SweepLayout
from results.records.locate import check_writable, sweep_layout
from results.records.manifest import read_sweep_manifest
from results.records.objectives import Objectives
from sweeps.debiasing.folds import sample_folds
from sweeps.search.warm_start import gather
from sweeps.spec.configurations import Configurations
from sweeps.spec.problems import attributed_to
from sweeps.spec.sections import check_installed
from sweeps.spec.sweep_spec import SweepSpec


@dataclass(frozen=True, slots=True)
class CheckedSweep:
    """A sweep that can run.

    Attributes:
        spec: the sweep.
        configurations: the configurations of its runs on this data.
        layout: its folder.
        data: the training and the validation split.
        data_root: the folder of the data store.
        objectives: the monitored metric, further objectives, and constraints.
        method_warnings: combinations in the fixed part that make debiasing a no-op or a loss meaningless.
    """

    spec: SweepSpec
    configurations: Configurations
    layout: SweepLayout
    data: TrainingData
    data_root: Path
    objectives: Objectives
    method_warnings: tuple[str, ...]


def preflight(spec: SweepSpec) -> CheckedSweep:
    """Check a sweep against the data and the machine. Synthetic data that the store lacks or has damaged are drawn.

    A new sweep gets the current version of its data set. A sweep that has begun keeps the version that it began with.

    Raises:
        SpecMismatchError: the sweep does not fit; the message says why, and what is allowed.
    """
    spec = _with_pretrained_weights(spec)
    root = default_root() if spec.data.root is None else Path(spec.data.root)
    with attributed_to("storage"):
        layout = sweep_layout(spec.storage, spec.name)
    with attributed_to("data", "name"):
        data = _data(spec, root, _begun_with(layout, spec.data.name))
    configurations = spec.configurations.on(data.fingerprint)
    config = configurations.base
    with attributed_to("data", "split"):
        validating = validating_ids(data, config.data.split, spec.seeds.first)
    objectives = spec.objectives_for(data.task)
    for section, checked in {"base": config, "paper_default": configurations.paper}.items():
        with attributed_to(section), drawing_from(0, "init"):
            build_model(checked.model, data)  # raises if shapes do not fit the data
    if spec.debiasing.methods:
        with attributed_to("debiasing", "folds"):  # raises if there are too few samples
            sample_folds(validating, spec.debiasing.folds, spec.search.seed)
    for name in spec.tracking.names:
        with attributed_to("tracking", name):
            check_installed(name)
    with attributed_to("storage"):
        check_writable(spec.storage)
    if not layout.store.has(layout.proposals):  # a search that has begun has its warm start on record
        with attributed_to("search", "warm_start"):
            gather(spec, configurations, objectives)
    return CheckedSweep(
        spec=spec,
        configurations=configurations,
        layout=layout,
        data=data,
        data_root=root,
        objectives=objectives,
        method_warnings=method_warnings(config, data.task),
    )


def _with_pretrained_weights(spec: SweepSpec) -> SweepSpec:
    """The sweep with the digest of a pretrained ALBERT's weights in its fixed part."""
    branch = spec.configurations.base.model.text_branch
    if not isinstance(branch, AlbertBranchConfig) or branch.path is None:
        return spec
    digest = weights_digest(branch.path)
    if branch.weights_sha256 not in ("", digest):
        raise UserError(
            f"base.model.text_branch.weights_sha256: given {branch.weights_sha256[:16]}..., the files in "
            f"{branch.path} have {digest[:16]}...; give the folder that the digest is of, or leave the digest out"
        )
    return spec.with_base({"model": {"text_branch": {"weights_sha256": digest}}})


def _begun_with(layout: SweepLayout, name: str) -> str | None:
    """The fingerprint of the data that a sweep began with; None if it has not begun, or began with another data set."""
    if not layout.manifest.exists():
        return None
    manifest = read_sweep_manifest(layout)
    return manifest.dataset_fingerprint if manifest.dataset == name else None


def _data(spec: SweepSpec, root: Path, fingerprint: str | None) -> TrainingData:
    """The sweep's data: the version with a fingerprint, or the current one."""
    name = spec.data.name
    if spec.data.synthetic is None:
        return open_training_data(root, name, fingerprint)
    config = SyntheticConfig.model_validate(spec.data.synthetic)
    parameters = config.model_dump(mode="json")
    if not has_intact_version(root, name, fingerprint):
        made = make_synthetic(config)
        # Another version that is current stays so: it may be that of another sweep.
        drawn = write_dataset(
            root,
            name,
            task=made.task,
            splits=made.splits,
            synthetic=parameters,
            force=True,
            make_current=False,
        )
        fingerprint = fingerprint or drawn.fingerprint
    manifest = read_dataset_manifest(root, name, fingerprint)
    if manifest.synthetic != parameters:
        raise UserError(
            f"data set {name!r} in {root}, version {manifest.fingerprint[:16]}, was made with other parameters than "
            "the sweep's 'data.synthetic'; change these back, or give the sweep's data another name"
        )
    return open_training_data(root, name, manifest.fingerprint)
