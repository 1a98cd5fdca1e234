"""The cost of missing modalities on the test split, and each modality's contribution.

Every number is computed per seed (`causalmer_core.measures.modality_analysis`), then averaged over the seeds that have
all subsets, with its interval. A positive gap is worse, and a positive contribution is better, whatever the metric's
direction. The majority baseline uses no modality, so it has no line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name, subsets
from causalmer_core.measures.ablation import STEP_ABLATIONS, ModalityAblation
from causalmer_core.measures.metrics import Direction, label_metrics
from causalmer_core.measures.modality_analysis import Subset, Values, drop_gaps, shapley
from results.evaluation.evaluation_table import (
    PRESENT,
    Contender,
    as_configured,
    evaluated_contenders,
    labels,
)
from results.evaluation.final_evaluation import SELECTED
from results.evaluation.untrained_baselines import MAJORITY
from results.records.dataset import SweepResults
from results.statistics.intervals import Interval, t_interval

REPLACED_BY: Mapping[str, str] = {
    "zero": "zeros",
    "mean": "the training mean",
    "permutation": "another sample's features",
}
"""The replacement of a removed modality's features, by ablation."""


@dataclass(frozen=True, slots=True)
class GapLine:
    """The loss of a contender when modalities are missing.

    Attributes:
        contender: the contender.
        ablation: how the modalities were removed.
        gaps: the mean gap over seeds, by present subset (`PRESENT` without the whole set).
        mean, std: the mean over seeds of a seed's mean and standard deviation of its gaps with one or two modalities
            missing.
    """

    contender: Contender
    ablation: str
    gaps: Mapping[str, Interval]
    mean: Interval
    std: Interval


@dataclass(frozen=True, slots=True)
class ContributionLine:
    """Each modality's contribution to a metric of a contender: exact Shapley values, as means over seeds.

    Attributes:
        contender: the contender.
        ablation: how absent modalities were removed.
        metric: the metric.
        label: the emotion or class of the metric. None: all labels.
        contributions: the contribution by modality, in points of the metric.
        total: the gain of all modalities over none. It is the sum of the contributions.
    """

    contender: Contender
    ablation: str
    metric: str
    label: str | None
    contributions: Mapping[Modality, Interval]
    total: Interval


def gap_lines(results: SweepResults) -> list[GapLine]:
    """The gaps in the monitored metric, for every ablation and contender. Empty before the final evaluation."""
    manifest = results.manifest
    lines = []
    for ablation, contender in _evaluated(results):
        scores = seed_scores(contender, manifest.monitor)
        if scores is not None:
            found = drop_gaps(scores, manifest.direction)
            by_name = {subset_name(present): gap for present, gap in found.gaps.items()}
            gaps = {name: _interval(by_name[name]) for name in PRESENT[1:]}
            lines.append(GapLine(contender, ablation, gaps, _interval(found.mean), _interval(found.std)))
    return lines


def contribution_lines(results: SweepResults) -> list[ContributionLine]:
    """The contributions to the monitored metric, for every ablation and contender."""
    metric, direction = results.manifest.monitor, results.manifest.direction
    found = (_contributions(c, ablation, metric, None, direction) for ablation, c in _evaluated(results))
    return [line for line in found if line is not None]


def label_lines(results: SweepResults, config_id: str) -> list[ContributionLine]:
    """The selected configuration's contributions to the metric of each emotion or class, for every ablation.

    Empty for a regression, and with a single label.
    """
    parts = label_metrics(results.manifest.metrics, results.manifest.monitor)
    if len(parts) < 2:
        return []
    found = (
        _contributions(
            contender, ablation, metric, label, "max"
        )  # every metric of a label is better when higher
        for ablation, contender in _evaluated(results)
        if (contender.name, contender.config_id) == (SELECTED, config_id)
        for label, metric in parts.items()
    )
    return [line for line in found if line is not None]


@dataclass(frozen=True, slots=True)
class RatePoint:
    """The monitored metric of a contender when a share of the steps is removed.

    Attributes:
        label: the contender's name, unique among the contenders.
        ablation: how the steps were removed.
        rate: the share of removed steps, from 0 to 1.
        interval: of the mean over seeds.
    """

    label: str
    ablation: str
    rate: float
    interval: Interval


def rate_points(results: SweepResults) -> list[RatePoint]:
    """A point for each evaluated contender, ablation and rate, after a point at rate 0 for each ablation."""
    manifest, rows = results.manifest, results.evaluations
    whole = as_configured(evaluated_contenders(rows, manifest.metrics))
    points = []
    for label, contender in zip(labels(whole), whole, strict=True):
        mine = rows[(rows["split"] == "test") & _rows_of(contender, rows)].dropna(subset=[manifest.monitor])
        for ablation in STEP_ABLATIONS:
            taken = mine[mine["ablation"] == ablation]
            clean = mine[(mine["ablation"] == "zero") & (mine["present"] == "tav")].assign(rate=0.0)
            for rate, group in pd.concat([clean, taken]).groupby("rate") if len(taken) else ():
                over = t_interval(group[manifest.monitor].tolist())
                points.append(RatePoint(label, ablation, float(str(rate)), over))
    return points


def seed_scores(contender: Contender, metric: str) -> dict[Subset, Values] | None:
    """The metric's values by present subset, each of shape (seeds,), over the seeds that have every subset.

    None without such seeds.
    """
    by_subset = {present: contender.values.get((metric, subset_name(present)), {}) for present in subsets()}
    seeds = sorted(set.intersection(*(set(values) for values in by_subset.values())))
    if not seeds:
        return None
    return {
        present: np.array([values[seed] for seed in seeds], np.float64)
        for present, values in by_subset.items()
    }


def _evaluated(results: SweepResults) -> Iterator[tuple[str, Contender]]:
    for ablation in get_args(ModalityAblation):
        found = evaluated_contenders(results.evaluations, results.manifest.metrics, ablation=ablation)
        yield from ((ablation, contender) for contender in as_configured(found) if contender.name != MAJORITY)


def _contributions(
    contender: Contender, ablation: str, metric: str, label: str | None, direction: Direction
) -> ContributionLine | None:
    scores = seed_scores(contender, metric)
    if scores is None:
        return None
    values = shapley(scores, direction)
    return ContributionLine(
        contender=contender,
        ablation=ablation,
        metric=metric,
        label=label,
        contributions={modality: _interval(values[modality]) for modality in MODALITIES},
        total=_interval(np.sum(list(values.values()), axis=0)),
    )


def _rows_of(contender: Contender, rows: pd.DataFrame) -> pd.Series:
    return (
        (rows["contender"] == contender.name)
        & (rows["prediction"] == contender.prediction)
        & (rows["config_id"] == contender.config_id)
    )


def _interval(values: Values) -> Interval:
    return t_interval(values.tolist())
