"""The manifest of a stored data set: its task, its source, and the form of its arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task
from causalmer_core.datasets.base import FeatureStatistics, Samples, Split
from causalmer_core.datasets.labels import label_counts
from causalmer_core.datasets.nonfinite import NonfiniteCounts
from causalmer_core.datasets.statistics import chunks, count_padding

SPLITS = ("train", "valid", "test")
VERSION_DIGITS = 16
"""The first so many digits of its fingerprint name a version of a data set."""
NEWEST_FORMAT = 2
"""The newest `format_version` of a manifest that this program reads."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ArraySummary(_Part):
    """The form of one array: its shape, and its dtype as NumPy writes it (`<f4`)."""

    shape: tuple[int, ...]
    dtype: str


class FeatureSummary(ArraySummary):
    """The features of one modality in one split.

    `padding_steps` counts steps whose features are all 0 or that lie beyond the sample's length; `missing_samples`
    counts samples with no other steps.
    """

    padding_steps: int
    missing_samples: int


class SplitSummary(_Part):
    """One split; `label_counts` as `labels.label_counts` gives them, `lengths` of the modalities that have them."""

    samples: int
    features: Mapping[Modality, FeatureSummary]
    labels: ArraySummary
    label_counts: Mapping[str, int]
    lengths: Mapping[Modality, ArraySummary] = {}


class FeatureScale(_Part):
    """The training scale of a modality: the mean of its channels' means, the root mean square of their spread."""

    mean: float
    std: float


class FileChecksum(_Part):
    """The size of a stored file in bytes, and its CRC-32."""

    bytes: int
    crc32: int


class DatasetManifest(_Part):
    """Everything about a stored data set except its arrays.

    Attributes:
        format_version: 1 has no checksums of files.
        name: the name of the data set and of its folder.
        task: the task.
        fingerprint: SHA-256, 64 hexadecimal digits, of the task, the arrays and the ids.
        source_file: the imported file's name without its folder; None for synthetic data.
        synthetic: the parameters of a drawn data set; None for imported data.
        splits: by split, shapes, label counts and padding.
        scales: by modality, the scale in the training split.
        nonfinite: by split and modality, NaN and infinities in the source and how many were replaced by 0.
        files: the checksum of each file but the manifest, by name; empty in format 1.
    """

    format_version: Literal[1, 2] = 2
    name: str
    task: Task
    fingerprint: str
    source_file: str | None
    synthetic: Mapping[str, JsonValue] | None
    splits: Mapping[str, SplitSummary]
    scales: Mapping[Modality, FeatureScale]
    nonfinite: Mapping[str, Mapping[Modality, NonfiniteCounts]]
    files: Mapping[str, FileChecksum] = {}

    @model_validator(mode="after")
    def _has_checksums(self) -> DatasetManifest:
        if self.format_version > 1 and not self.files:
            raise ValueError(f"format {self.format_version} needs the checksums of all files")
        return self


def fingerprint(task: Task, splits: Mapping[str, Split]) -> str:
    """SHA-256 over the task and every split's arrays (dtype, shape, bytes; lengths where there are any) and ids.

    It does not depend on the data set's name or path, nor on the layout of the arrays in memory.
    """
    digest = hashlib.sha256(b"causalmer data 1\n")
    digest.update(_canonical(task.model_dump(mode="json")))
    for name in SPLITS:
        split = splits[name]
        arrays: dict[str, Samples] = {m.value: split.features[m] for m in MODALITIES}
        arrays |= {"labels": split.labels}
        arrays |= {f"{m.value}_lengths": split.lengths[m] for m in MODALITIES if m in split.lengths}
        for key, values in arrays.items():
            little = values.dtype.newbyteorder("<")
            digest.update(_canonical([name, key, little.str, list(values.shape)]))
            for chunk in chunks(values):
                digest.update(np.ascontiguousarray(chunk, dtype=little).data)
        digest.update(_canonical([name, "ids", list(split.ids)]))
    return digest.hexdigest()


def _canonical(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n").encode()


def summarise(task: Task, split: Split) -> SplitSummary:
    """The manifest's part about one split."""
    features = {}
    for modality in MODALITIES:
        values = split.features[modality]
        padding = count_padding(values, lengths=split.lengths.get(modality))
        features[modality] = FeatureSummary(
            shape=values.shape,
            dtype=values.dtype.str,
            padding_steps=padding.steps,
            missing_samples=padding.missing_samples,
        )
    return SplitSummary(
        samples=len(split),
        features=features,
        labels=ArraySummary(shape=split.labels.shape, dtype=split.labels.dtype.str),
        label_counts=label_counts(task, split.labels),
        lengths={m: ArraySummary(shape=x.shape, dtype=x.dtype.str) for m, x in split.lengths.items()},
    )


def scale_of(statistics: FeatureStatistics) -> FeatureScale:
    """The scale of a modality from its channels' statistics."""
    std = statistics.std.astype(np.float64)
    return FeatureScale(
        mean=float(statistics.mean.mean(dtype=np.float64)), std=float(np.sqrt(np.mean(np.square(std))))
    )
