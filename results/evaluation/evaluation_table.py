"""The evaluation table: each contender's mean over seeds, for every subset of the modalities."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from results.statistics.intervals import Interval, PairedDifference, paired_difference, t_interval
from results.statistics.paired import holm_of_known

PRESENT = ("tav", "ta", "tv", "av", "t", "a", "v", "none")
"""The subsets of the modalities that are present, from all to none."""
SUBSET_NAMES: Mapping[str, str] = {
    "tav": "all",
    "ta": "text + audio",
    "tv": "text + vision",
    "av": "audio + vision",
    "t": "text only",
    "a": "audio only",
    "v": "vision only",
    "none": "none",
}
CONTENDERS = ("selected", "paper", "undebiased", "linear", "majority")
"""The order of the contenders. Others follow, sorted by name."""
PREDICTION_ORDER = ("tie", "tie:paper", "tie:learned", "tie:searched", "factual", "backbone")
"""The order of one contender's predictions. Others follow, sorted by name."""


@dataclass(frozen=True, slots=True)
class Contender:
    """The evaluation of one contender and prediction on the test split.

    Attributes:
        name: `selected`, `paper`, `undebiased`, `linear`, `majority`.
        prediction: the logits that predicted (see `records.schemas.evaluations_schema`).
        config_id: the configuration. None for a baseline.
        values: the metric's value by (metric, present subset), then by seed. A baseline has a single value, at
            `WITHOUT_SEED`.
    """

    name: str
    prediction: str
    config_id: str | None
    values: Mapping[tuple[str, str], Mapping[int, float]]

    def interval(self, metric: str, present: str = "tav") -> Interval | None:
        """The mean over seeds with its t interval. None without evaluations."""
        values = self.values.get((metric, present))
        # The majority baseline uses no modality, so its one evaluation holds for every subset.
        if values is None and self.config_id is None and present in PRESENT:
            values = self.values.get((metric, "tav"))
        return t_interval(list(values.values())) if values else None


WITHOUT_SEED = -1
"""The seed of values that have none."""


def evaluated_contenders(
    evaluations: pd.DataFrame, metrics: tuple[str, ...], split: str = "test", ablation: str = "zero"
) -> list[Contender]:
    """The contenders of an evaluations table, in the order of `CONTENDERS`.

    Each contender, prediction and configuration has its own entry, so two successive selections are never mixed. NaN
    values are skipped, because a metric may be undefined for a subset.

    Args:
        evaluations: the table.
        metrics: the metrics to read.
        split: the split to read.
        ablation: the ablation of whole modalities to read.
    """
    rows = evaluations[evaluations["split"] == split]
    # The table has the evaluation with all modalities only under `zero`; it belongs to every ablation.
    whole = (rows["present"] == "tav") & (rows["ablation"] == "zero")
    rows = rows[whole | ((rows["present"] != "tav") & (rows["ablation"] == ablation))]
    rows = rows.assign(
        prediction=rows["prediction"].fillna(""),
        config_id=rows["config_id"].fillna(""),
        seed=rows["seed"].fillna(WITHOUT_SEED).astype("int64"),
    )
    latest = rows.groupby("config_id")["time"].max()
    found = [
        _contender(str(name), str(prediction), str(config_id), group, metrics)
        for (name, prediction, config_id), group in rows.groupby(["contender", "prediction", "config_id"])
    ]
    # The sort below is stable, so of two configurations with the same name the last evaluated one comes first.
    found.sort(key=lambda contender: latest[contender.config_id or ""], reverse=True)
    return sorted(found, key=_rank)


def as_configured(found: Iterable[Contender]) -> list[Contender]:
    """The first prediction of each contender and configuration, which is the configured one.

    `results.evaluation.debiasing_table` has the other predictions, which were chosen after training.
    """
    first: dict[tuple[str, str | None], Contender] = {}
    for contender in found:
        first.setdefault((contender.name, contender.config_id), contender)
    return list(first.values())


def labels(found: Sequence[Contender]) -> list[str]:
    """A name for each contender. Successive selections share a name, so theirs has a part of the config_id."""
    names = [contender.name for contender in found]
    return [
        name if names.count(name) == 1 else f"{name} {(contender.config_id or '')[:6]}"
        for name, contender in zip(names, found, strict=True)
    ]


def difference(
    first: Contender, second: Contender, metric: str, present: str = "tav"
) -> PairedDifference | None:
    """First minus second on their common seeds. None without a common seed."""
    one, other = (contender.values.get((metric, present), {}) for contender in (first, second))
    if not one.keys() & other.keys() - {WITHOUT_SEED}:
        return None
    return paired_difference(one, other)


@dataclass(frozen=True, slots=True)
class Lead:
    """The difference of the selected configuration from another contender on the test split.

    Attributes:
        other: the other contender.
        interval: of the mean difference over common seeds, selected minus other. A baseline's single value is
            subtracted from every seed's.
        p_value: of the hypothesis that there is no difference, Holm-corrected over all contenders. None where it
            cannot be computed.
        effect_size: of the difference, in units of its spread. None where it cannot be computed.
    """

    other: Contender
    interval: Interval
    p_value: float | None
    effect_size: float | None


def leads(selected: Contender, others: Iterable[Contender], metric: str) -> list[Lead]:
    """The difference of the selected configuration from each other contender, with all modalities present.

    Args:
        selected: the selected configuration.
        others: the other contenders.
        metric: the metric to compare.
    """
    found = []
    for other in others:
        gap = difference(selected, other, metric)
        constant = other.values.get((metric, "tav"), {}).get(WITHOUT_SEED)
        if gap is not None:
            found.append(Lead(other, gap.interval, gap.p_value, gap.effect_size))
        elif constant is not None and (own := selected.values.get((metric, "tav"))):
            found.append(Lead(other, t_interval([value - constant for value in own.values()]), None, None))
    corrected = holm_of_known([lead.p_value for lead in found])
    return [replace(lead, p_value=value) for lead, value in zip(found, corrected, strict=True)]


def _contender(
    name: str, prediction: str, config_id: str, rows: pd.DataFrame, metrics: tuple[str, ...]
) -> Contender:
    values: defaultdict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    places = list(zip(rows["present"].tolist(), rows["seed"].tolist(), strict=True))
    for metric in metrics:
        for (present, seed), value in zip(places, rows[metric].tolist(), strict=True):
            if not math.isnan(value):
                values[metric, present][seed] = value
    return Contender(name, prediction, config_id or None, dict(values))


def _rank(contender: Contender) -> tuple[int, str, int, str]:
    name, prediction = contender.name, contender.prediction
    return _place(name, CONTENDERS), name, _place(prediction, PREDICTION_ORDER), prediction


def _place(item: str, order: Sequence[str]) -> int:
    return order.index(item) if item in order else len(order)
