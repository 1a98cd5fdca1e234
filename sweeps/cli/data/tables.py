"""What `causalmer data` prints about a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import SCALE_RATIO
from causalmer_core.datasets.manifest import DatasetManifest, FeatureScale
from causalmer_core.datasets.overview import groups, step_counts
from causalmer_core.datasets.synthetic import SyntheticConfig, ideal_accuracy
from causalmer_core.measures.linear_classifier import REGULARISATION
from causalmer_core.measures.probe import PROBE_METRICS, ProbeScore, probe

BAR_WIDTH = 24
HISTOGRAM_BINS = 16
BLOCKS = " ▁▂▃▄▅▆▇█"


def show_manifest(manifest: DatasetManifest, root: Path) -> None:
    """Print what a stored data set is."""
    console = Console(highlight=False)
    console.print(f"data set    {manifest.name}  ({root / manifest.name})", markup=False, soft_wrap=True)
    console.print(f"task        {manifest.task.kind.value}: {', '.join(manifest.task.labels)}", markup=False)
    console.print(f"fingerprint {manifest.fingerprint}", soft_wrap=True)
    console.print(f"source      {_source(manifest)}", markup=False, soft_wrap=True)
    for table in (_splits_table(manifest), _features_table(manifest), _scales_table(manifest)):
        console.print(table)
    console.print(_recommendation(list(manifest.scales.values())), soft_wrap=True)


def _source(manifest: DatasetManifest) -> str:
    if manifest.synthetic is None:
        return manifest.source_file or "unknown"
    config = SyntheticConfig.model_validate(dict(manifest.synthetic))
    return f"synthetic, seed {config.seed}; ideal accuracy on valid and test {ideal_accuracy(config):.3f}"


def _splits_table(manifest: DatasetManifest) -> Table:
    table = Table(title="Splits", title_justify="left")
    for heading in ("split", "samples", "label", "count", "share", ""):
        table.add_column(heading, no_wrap=True)
    for name, split in manifest.splits.items():
        for number, (label, count) in enumerate(split.label_counts.items()):
            share = count / split.samples
            head = ("", "") if number else (name, str(split.samples))
            table.add_row(*head, label, str(count), f"{share:.1%}", Bar(1.0, 0.0, share, width=BAR_WIDTH))
    return table


def _features_table(manifest: DatasetManifest) -> Table:
    table = Table(title="Features", title_justify="left")
    for heading in ("modality", "split", "shape", "padding steps", "missing", "not finite"):
        table.add_column(heading, no_wrap=True)
    for modality in MODALITIES:
        for name, split in manifest.splits.items():
            summary = split.features[modality]
            steps = summary.shape[0] * summary.shape[1]
            counts = manifest.nonfinite.get(name, {}).get(modality)
            table.add_row(
                modality.value if name == "train" else "",
                name,
                " x ".join(map(str, summary.shape)),
                f"{summary.padding_steps} ({summary.padding_steps / steps:.1%})",
                str(summary.missing_samples),
                "0" if counts is None else f"{counts.replaced} set to 0" if counts.replaced else "0",
            )
    return table


def _scales_table(manifest: DatasetManifest) -> Table:
    headings = ("modality", "mean of channels", "rms of channels' std")
    table = Table(*headings, title="Training scale, without padding", title_justify="left")
    for modality in MODALITIES:
        scale = manifest.scales[modality]
        table.add_row(modality.value, f"{scale.mean:.3g}", f"{scale.std:.3g}")
    return table


def _recommendation(scales: list[FeatureScale]) -> str:
    spreads = [scale.std for scale in scales]
    ratio = max(spreads) / min(spreads)
    verdict = "standardises" if ratio > SCALE_RATIO else "leaves the features as they are"
    return (
        f"standardise: auto {verdict}: the modalities' scales differ by a factor of {ratio:.1f} "
        f"(threshold {SCALE_RATIO:g})"
    )


def show_overview(data: TrainingData) -> None:
    """Print how long samples are, whether groups are shared, and a linear probe; the test split is not looked at."""
    console = Console(highlight=False)
    console.print(_steps_table(data))
    found = groups(data)
    if found is not None:
        console.print(
            f"groups      {found.train} in train and {found.valid} in valid (the ids' first parts); {found.shared} "
            f"in both{'' if not found.shared else ': validation is too easy, see data.split in docs/sweep_yaml.md'}",
            soft_wrap=True,
        )
    scores = probe(data)
    console.print(_probe_table(PROBE_METRICS[data.task.kind], scores))
    console.print(_probe_legend(data.task.kind, scores), soft_wrap=True)


def _steps_table(data: TrainingData) -> Table:
    table = Table(title="Steps there, sample by sample", title_justify="left")
    for heading in ("modality", "split", "min", "median", "max", "of", "none", "lengths", "0 .. all"):
        table.add_column(heading, no_wrap=True)
    for modality in MODALITIES:
        for name, split in (("train", data.train), ("valid", data.valid)):
            found = step_counts(split, modality)
            counts = found.counts
            table.add_row(
                modality.value if name == "train" else "",
                name,
                str(counts.min()),
                f"{np.median(counts):g}",
                str(counts.max()),
                str(found.steps),
                str((counts == 0).sum()),
                "given" if found.from_lengths else "",
                _sparkline(found.histogram(HISTOGRAM_BINS)),
            )
    return table


def _sparkline(counts: NDArray[np.int64]) -> str:
    """A histogram as one line of text; whatever there is of shows."""
    heights = np.ceil(counts / max(counts.max(), 1) * (len(BLOCKS) - 1)).astype(int)
    return "".join(BLOCKS[height] for height in heights)


def _probe_table(metric: str, scores: tuple[ProbeScore, ...]) -> Table:
    table = Table(title=f"Linear probe: {metric}", title_justify="left")
    for heading in ("modality", "step", "train", "valid", "remark"):
        table.add_column(heading, no_wrap=True)
    for score in scores:
        numbers = (f"{score.train:.3f}", f"{score.valid:.3f}")
        table.add_row(_names(score), score.pooling or "", *numbers, score.remark)
    return table


def _probe_legend(task: TaskKind, scores: tuple[ProbeScore, ...]) -> str:
    model = "ridge" if task is TaskKind.REGRESSION else "logistic"
    return (
        f"{model} regression, standardised features, C = {REGULARISATION}; best constant on valid: "
        f"{scores[0].constant:.3f}. overfits: train far above valid; "
        "shortcut: that, and on valid no better than a constant"
    )


def _names(score: ProbeScore) -> str:
    if not score.modalities:
        return "majority"
    return "all" if score.modalities == MODALITIES else " + ".join(m.value for m in score.modalities)
