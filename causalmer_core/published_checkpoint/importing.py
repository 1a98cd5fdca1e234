"""Imports a published file as a checkpoint of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.basics.task import Task
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import FeatureStatistics, Split, TrainingData
from causalmer_core.models.build import AnyModel, build_model
from causalmer_core.published_checkpoint.imported import WEIGHTS, ImportRecord, save_imported
from causalmer_core.published_checkpoint.names import CONSTANTS, UNUSED, from_published, published_names
from causalmer_core.published_checkpoint.reader import read_published
from causalmer_core.published_checkpoint.settings import Given, configuration, settle, task_of
from causalmer_core.published_checkpoint.shapes import PublishedShapes, read_shapes

BRANCHES = ("tav_branch", "t_branch", "a_branch", "v_branch")
"""The published names of the backbone and of the branches of text, audio and vision."""


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """An imported model.

    Attributes:
        model: the model with the published weights, on the CPU, in evaluation mode.
        config: its configuration.
        record: its origin, and the assumed settings.
        parameters: the number of parameters by `BRANCHES`, without buffers.
        constants: the no-treatment constants of text, audio and vision.
        unread: published tensors that the method never reads.
    """

    model: AnyModel
    config: RunConfig
    record: ImportRecord
    parameters: dict[str, int]
    constants: tuple[float, ...]
    unread: tuple[str, ...]


def understand_published(path: Path | str, given: Given | None = None) -> ImportedModel:
    """Read a published checkpoint, infer its configuration, and give the model its weights.

    Args:
        path: a file that `torch.save` wrote of a published CausalMER model, or of its state dict.
        given: the settings that the user gives; see `Given`.

    Raises:
        UserError: the file is damaged or cannot be read without running something in it; a tensor is missing, unknown,
            of a wrong shape or not finite; or the given settings do not fit.
    """
    path, given = Path(path), given or Given()
    published = read_published(path)
    shapes = read_shapes(path, published.tensors)
    task = task_of(path, shapes.outputs, given.labels)
    settings = settle(path, given, published.stated, shapes, task)
    config = configuration(path, shapes, settings, task)
    tensors = {name: tensor for name, tensor in published.tensors.items() if name not in shapes.unread}
    model = _with_weights(path, config, _no_samples(path, task, shapes), tensors)
    record = ImportRecord(
        source_file=path.name,
        source_sha256=_digest(path),
        form=published.form,
        task=task,
        widths=shapes.widths,
        settings=tuple(settings.values()),
    )
    never_read = [name for name in tensors if UNUSED.fullmatch(name)]
    return ImportedModel(
        model=model.eval(),
        config=config,
        record=record,
        parameters=_parameters(tensors, never_read),
        constants=tuple(float(tensors[name]) for name in CONSTANTS),
        unread=(*shapes.unread, *sorted(never_read)),
    )


def import_published(
    path: Path | str, out: Path | str, given: Given | None = None, *, force: bool = False
) -> ImportedModel:
    """Read a published checkpoint, and write it as one of ours into the folder `out`.

    Raises:
        UserError: as `understand_published`; or `out` holds a checkpoint without `force`, or cannot be written.
    """
    out = Path(out)
    if (out / WEIGHTS).exists() and not force:
        raise UserError(f"{out} holds a checkpoint already; give another --out, or --force to replace it")
    found = understand_published(path, given)
    save_imported(out, found.model.state_dict(), found.config, found.record)
    return found


def _with_weights(
    path: Path, config: RunConfig, data: TrainingData, tensors: Mapping[str, Tensor]
) -> AnyModel:
    # First a model without memory: contradictory shapes could describe one far larger than the file.
    with torch.device("meta"):
        outline = build_model(config.model, data).state_dict()
    _check_tensors(path, outline, tensors)
    try:
        ours = from_published(outline, tensors)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    with drawing_from(0, "init"):
        model = build_model(config.model, data)
    model.load_state_dict(ours)
    return model


def _check_tensors(path: Path, outline: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Check the tensors that the model needs: their shapes, types, and that they are finite."""
    for name, wanted in outline.items():
        sources = published_names(name)
        shape = tuple(wanted.shape if len(sources) == 1 else wanted.shape[1:])
        for source in sources:
            if source in tensors:
                _check_tensor(path, source, tensors[source], shape, wanted.dtype)


def _check_tensor(path: Path, name: str, found: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if tuple(found.shape) != shape or found.is_floating_point() != dtype.is_floating_point:
        raise UserError(
            f"{path}: {name} has shape {tuple(found.shape)} of {found.dtype}; the other tensors call for {shape} of "
            f"{dtype}"
        )
    if found.is_floating_point() and not bool(torch.isfinite(found).all()):
        raise UserError(f"{path}: {name} has values that are NaN or infinite; no model can predict by it")


def _no_samples(path: Path, task: Task, shapes: PublishedShapes) -> TrainingData:
    """A data set without samples, with the fewest steps that the convolutions allow.

    A model is built from shapes alone.
    """
    features = {
        m: np.zeros((0, shapes.mult.get(f"kernel_{m}", 8), shapes.widths[m]), np.float32) for m in MODALITIES
    }
    labels = np.zeros(0, np.float32)
    split = Split(features=features, labels=labels, ids=())
    statistics = {
        m: FeatureStatistics(np.zeros(width, np.float32), np.ones(width, np.float32))
        for m, width in shapes.widths.items()
    }
    return TrainingData(
        name=path.name, task=task, fingerprint="", train=split, valid=split, statistics=statistics
    )


def _parameters(tensors: Mapping[str, Tensor], never_read: list[str]) -> dict[str, int]:
    counts = dict.fromkeys(BRANCHES, 0)
    for name, tensor in tensors.items():
        branch = name.split(".", 1)[0]
        is_statistic = name.rsplit(".", 1)[-1].startswith(("running_", "num_batches_"))
        if branch in counts and name not in never_read and not is_statistic:
            counts[branch] += tensor.numel()
    return counts


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
