"""What missing modalities cost on the test split, and what each contributes: the numbers behind tables and curves.

Every number is computed for one seed at a time (`causalmer_core.measures.modality_analysis`) and then averaged over the
seeds that have all subsets, with its interval. Signs follow the metric: a gap is how much worse, a contribution how
much better. The majority baseline looks at no modality, and has no line.
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
"""By the kind of removal, what stands in the place of a modality's features."""


@dataclass(frozen=True, slots=True)
class GapLine:
    """How much worse a contender is when modalities are missing.

    Attributes:
        contender: which.
        ablation: how they were removed.
        gaps: by the modalities present (`PRESENT`, all but the whole set), over seeds.
        mean, std: of one seed's gaps with one or two modalities missing, over seeds.
    """

    contender: Contender
    ablation: str
    gaps: Mapping[str, Interval]
    mean: Interval
    std: Interval


@dataclass(frozen=True, slots=True)
class ContributionLine:
    """What each modality contributes to a metric of a contender: exact Shapley values, over seeds.

    Attributes:
        contender: which.
        ablation: how absent modalities were removed.
        metric: of what.
        label: the emotion or class that the metric is about; none: all.
        contributions: by modality.
        total: with all modalities over none, which the contributions sum to.
    """

    contender: Contender
    ablation: str
    metric: str
    label: str | None
    contributions: Mapping[Modality, Interval]
    total: Interval


def gap_lines(results: SweepResults) -> list[GapLine]:
    """In the monitored metric, for every way of removing and every contender; empty before the final evaluation."""
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
    """To the monitored metric, for every way of removing and every contender."""
    metric, direction = results.manifest.monitor, results.manifest.direction
    found = (_contributions(c, ablation, metric, None, direction) for ablation, c in _evaluated(results))
    return [line for line in found if line is not None]


def label_lines(results: SweepResults, config_id: str) -> list[ContributionLine]:
    """To the metric of each emotion or class, for the selected configuration and every way of removing.

    Empty for a regression, and where there is one label alone.
    """
    parts = label_metrics(results.manifest.metrics, results.manifest.monitor)
    if len(parts) < 2:
        return []
    found = (
        _contributions(contender, ablation, metric, label, "max")  # more of each of these is better
        for ablation, contender in _evaluated(results)
        if (contender.name, contender.config_id) == (SELECTED, config_id)
        for label, metric in parts.items()
    )
    return [line for line in found if line is not None]


@dataclass(frozen=True, slots=True)
class RatePoint:
    """The monitored metric of a contender with a share of the steps taken away, over seeds.

    Attributes:
        label: the contender, told apart by the configuration where there are two of its name.
        ablation: how the steps were taken.
        rate: the share; 0: nothing was.
        interval: over seeds.
    """

    label: str
    ablation: str
    rate: float
    interval: Interval


def rate_points(results: SweepResults) -> list[RatePoint]:
    """A point for each contender, kind and rate that was evaluated, with one at rate 0 before each kind's others."""
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
    """By the modalities present `(seeds,)`, of the seeds that were evaluated with every subset; none without such."""
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
