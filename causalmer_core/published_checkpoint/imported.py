"""An imported checkpoint on disk, and the model in it.

<folder>/best.safetensors    weights and buffers under our names; its metadata, which is used, has everything else
<folder>/config.json         the same metadata for human readers; it is not used
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task
from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.published_checkpoint.settings import Setting
from causalmer_core.training.checkpoint import load_tensors, save_tensors
from causalmer_core.training.trained_model import TrainedModel, load_trained

WEIGHTS = "best.safetensors"

_REMEDY = "import the checkpoint again, or train the run again with 'causalmer resume'"


class ImportRecord(BaseModel):
    """The origin of imported weights, and the data they are for.

    Attributes:
        source_file: the published file's name without its folder.
        source_sha256: the digest of the file.
        form: `whole module CLASS` or `state dict`.
        task: the task.
        widths: features a step of each modality.
        settings: the settings that do not follow from shapes, with their sources.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_file: str
    source_sha256: str
    form: str
    task: Task
    widths: dict[Modality, int]
    settings: tuple[Setting, ...]


def save_imported(
    folder: Path, tensors: Mapping[str, Tensor], config: RunConfig, record: ImportRecord
) -> None:
    """Write an imported checkpoint.

    The seed and the epoch of a published checkpoint are unknown and stored as 0.

    Raises:
        UserError: the folder cannot be written.
    """
    metadata: dict[str, Any] = {
        "config_id": config_id(config),
        "seed": 0,
        "epoch": 0,
        "config": config.model_dump(mode="json"),
        "imported": record.model_dump(mode="json"),
    }
    try:
        save_tensors(folder / WEIGHTS, tensors, metadata)
        write_text(folder / "config.json", json.dumps(metadata, indent=2) + "\n")
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}); give another folder with --out"
        ) from error


def load_checkpoint(path: Path | str, data: TrainingData) -> TrainedModel:
    """The model of an imported checkpoint, or of a run's weights file, for a data set.

    Args:
        path: the folder that `causalmer checkpoint import` wrote, or a weights file.
        data: the data set to use it on.

    Raises:
        DamagedFileError: it is not as it was written.
        UserError: there is no such checkpoint, or it is for data of another task or other shapes.
    """
    path = Path(path)
    file = path / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise UserError(
            f"{file}: no such checkpoint; give the folder that 'causalmer checkpoint import FILE --out FOLDER' wrote, "
            "or a run's weights"
        )
    _, metadata = load_tensors(file, remedy=_REMEDY)
    if "imported" in metadata:
        _check_fit(file, _record(file, metadata["imported"]), data)
    return load_trained(file, data, remedy=_REMEDY)


def _record(file: Path, value: object) -> ImportRecord:
    try:
        return ImportRecord.model_validate_json(json.dumps(value))
    except ValidationError as error:
        what = "its record of the import does not have the fields of one"
        raise DamagedFileError(file, what, "import the checkpoint again") from error


def _check_fit(file: Path, record: ImportRecord, data: TrainingData) -> None:
    ours, theirs = record.task, data.task
    if ours.kind is not theirs.kind or ours.num_outputs != theirs.num_outputs:
        raise UserError(
            f"{file}: a model for {ours.kind.value} with {ours.num_outputs} outputs, and data set {data.name!r} is "
            f"{theirs.kind.value} with {theirs.num_outputs}; give a data set of the same task"
        )
    if ours.labels != theirs.labels and ours.num_outputs > 1:
        raise UserError(
            f"{file}: a model for {', '.join(ours.labels)}, and data set {data.name!r} has {', '.join(theirs.labels)}; "
            f"if these are the model's outputs in this order, import it again with --labels {','.join(theirs.labels)}"
        )
    for modality in MODALITIES:
        if record.widths[modality] != data.widths[modality]:
            raise UserError(
                f"{file}: a model for {record.widths[modality]} {modality} features a step, and data set "
                f"{data.name!r} has {data.widths[modality]}; give the data set it was trained on"
            )
