"""What `causalmer data` shows of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import SCALE_RATIO
from causalmer_core.datasets.manifest import VERSION_DIGITS, DatasetManifest
from causalmer_core.datasets.overview import groups, step_counts
from causalmer_core.datasets.store import (
    current_version,
    dataset_folder,
    dataset_versions,
    list_datasets,
)
from causalmer_core.datasets.synthetic import SyntheticConfig, ideal_accuracy
from causalmer_core.measures.linear_classifier import REGULARISATION
from causalmer_core.measures.probe import PROBE_METRICS, ProbeScore, probe
from results.report.table import Cell, Column, Table, facts

BAR_WIDTH = 24
HISTOGRAM_BINS = 16
BLOCKS = " ▁▂▃▄▅▆▇█"


def versions_table(root: Path) -> Table:
    """The versions of all data sets in a folder, the current one of each marked."""
    rows = []
    for name in list_datasets(root):
        current = current_version(root, name)
        for version in dataset_versions(root, name):
            is_current = version == current
            shown = Cell(version, version[:VERSION_DIGITS])
            rows.append((name, shown, Cell(is_current, "current" if is_current else "")))
    columns = (Column("", "name", once=True), Column("", "version"), Column("", "current"))
    return Table("data_sets", "", columns, rows, () if rows else (f"no data sets in {root}",), labels=2)


def manifest_tables(manifest: DatasetManifest, root: Path) -> list[Table]:
    """What a version of a stored data set is: its source, balance of labels, padding and scales."""
    folder = dataset_folder(root, manifest.name, manifest.fingerprint)
    current = current_version(root, manifest.name)
    versions = (
        f"{version[:VERSION_DIGITS]}{' (current)' if version == current else ''}"
        for version in dataset_versions(root, manifest.name)
    )
    lines = [
        ("data set", f"{manifest.name}  ({folder})"),
        ("versions", ", ".join(versions)),
        ("task", f"{manifest.task.kind.value}: {', '.join(manifest.task.labels)}"),
        ("fingerprint", manifest.fingerprint),
        ("source", _source(manifest)),
    ]
    return [facts("data_set", "", lines), _splits(manifest), _features(manifest), _scales(manifest)]


def _source(manifest: DatasetManifest) -> str:
    if manifest.synthetic is None:
        return manifest.source_file or "unknown"
    config = SyntheticConfig.model_validate(dict(manifest.synthetic))
    return f"synthetic, seed {config.seed}; ideal accuracy on valid and test {ideal_accuracy(config):.3f}"


def _splits(manifest: DatasetManifest) -> Table:
    rows = []
    for name, split in manifest.splits.items():
        for label, count in split.label_counts.items():
            share = count / split.samples
            rows.append((name, split.samples, label, count, share, "█" * round(share * BAR_WIDTH)))
    columns = (
        Column("split", once=True),
        Column("samples", once=True),
        Column("label"),
        Column("count"),
        Column("share", form="{:.1%}".format),
        Column("", None),
    )
    return Table("splits", "Splits", columns, rows, labels=3)


def _features(manifest: DatasetManifest) -> Table:
    rows = []
    for modality in MODALITIES:
        for name, split in manifest.splits.items():
            summary = split.features[modality]
            padding = summary.padding_steps
            counts = manifest.nonfinite.get(name, {}).get(modality)
            replaced = 0 if counts is None else counts.replaced
            rows.append(
                (
                    modality.value,
                    name,
                    Cell(summary.shape, " x ".join(map(str, summary.shape))),
                    Cell(padding, f"{padding} ({padding / (summary.shape[0] * summary.shape[1]):.1%})"),
                    summary.missing_samples,
                    Cell(replaced, f"{replaced} set to 0" if replaced else "0"),
                )
            )
    columns = (
        Column("modality", once=True),
        Column("split"),
        Column("shape"),
        Column("padding steps", "padding_steps"),
        Column("missing"),
        Column("not finite", "not_finite"),
    )
    return Table("features", "Features", columns, rows, labels=2)


def _scales(manifest: DatasetManifest) -> Table:
    spreads = [scale.std for scale in manifest.scales.values()]
    ratio = max(spreads) / min(spreads)
    verdict = "standardises" if ratio > SCALE_RATIO else "leaves the features as they are"
    return Table(
        "scales",
        "Training scale, without padding",
        (
            Column("modality"),
            Column("mean of channels", "mean", form="{:.3g}".format),
            Column("rms of channels' std", "std", form="{:.3g}".format),
        ),
        [
            (modality.value, manifest.scales[modality].mean, manifest.scales[modality].std)
            for modality in MODALITIES
        ],
        (
            f"standardise: auto {verdict}: the modalities' scales differ by a factor of {ratio:.1f} "
            f"(threshold {SCALE_RATIO:g})",
        ),
    )


def overview_tables(data: TrainingData) -> list[Table]:
    """How long samples are, whether groups are shared, and a linear probe; the test split is not looked at."""
    return [_steps(data), _probe(data.task.kind, probe(data))]


def _steps(data: TrainingData) -> Table:
    rows = []
    for modality in MODALITIES:
        for name, split in (("train", data.train), ("valid", data.valid)):
            found = step_counts(split, modality)
            counts = found.counts
            rows.append(
                (
                    modality.value,
                    name,
                    counts.min(),
                    np.median(counts),
                    counts.max(),
                    found.steps,
                    (counts == 0).sum(),
                    "given" if found.from_lengths else "",
                    _sparkline(found.histogram(HISTOGRAM_BINS)),
                )
            )
    columns = (
        Column("modality", once=True),
        Column("split"),
        Column("min"),
        Column("median", form="{:g}".format),
        *map(Column, ("max", "of", "none", "lengths")),
        Column("0 .. all", None),
    )
    found_groups = groups(data)
    notes = []
    if found_groups is not None:
        easy = ": validation is too easy, see data.split in docs/sweep_yaml.md" if found_groups.shared else ""
        notes = [
            f"groups      {found_groups.train} in train and {found_groups.valid} in valid (the ids' first parts); "
            f"{found_groups.shared} in both{easy}"
        ]
    return Table("steps", "Real steps per sample", columns, rows, notes, labels=2)


def _sparkline(counts: NDArray[np.int64]) -> str:
    """A histogram as one line of text; whatever there is of shows."""
    heights = np.ceil(counts / max(counts.max(), 1) * (len(BLOCKS) - 1)).astype(int)
    return "".join(BLOCKS[height] for height in heights)


def _probe(task: TaskKind, scores: Sequence[ProbeScore]) -> Table:
    model = "ridge" if task is TaskKind.REGRESSION else "logistic"
    legend = (
        f"{model} regression, standardised features, C = {REGULARISATION}; best constant on valid: "
        f"{scores[0].constant:.3f}. overfits: train far above valid; "
        "shortcut: that, and on valid no better than a constant"
    )
    columns = (
        Column("modality"),
        Column("step"),
        Column("train", form="{:.3f}".format),
        Column("valid", form="{:.3f}".format),
        Column("remark"),
    )
    rows = [(_names(score), score.pooling or "", score.train, score.valid, score.remark) for score in scores]
    return Table("probe", f"Linear probe: {PROBE_METRICS[task]}", columns, rows, (legend,))


def _names(score: ProbeScore) -> str:
    if not score.modalities:
        return "majority"
    return "all" if score.modalities == MODALITIES else " + ".join(m.value for m in score.modalities)
