"""The numbers of the final evaluation: each contender's mean over seeds, for every subset of modalities
present.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from results.statistics.intervals import Interval, PairedDifference, paired_difference, t_interval
from results.statistics.paired import holm_of_told

PRESENT = ("tav", "ta", "tv", "av", "t", "a", "v", "none")
"""The subsets of modalities present, all first and none last."""
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
"""The order of the contenders; others follow by name."""
PREDICTION_ORDER = ("tie", "tie:paper", "tie:learned", "tie:searched", "factual", "backbone")
"""The order of one contender's predictions; others follow by name."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of predicting, as evaluated on the test split.

    Attributes:
        name: `selected`, `paper`, `undebiased`, `linear`, `majority`.
        prediction: which logits predicted (see `records.evaluations_schema`).
        config_id: the configuration, none for a baseline.
        values: the metric by (metric, subset present), then by seed; a baseline without seeds has one value
            at seed -1.
    """

    name: str
    prediction: str
    config_id: str | None
    values: Mapping[tuple[str, str], Mapping[int, float]]

    def interval(self, metric: str, present: str = "tav") -> Interval | None:
        """The mean over seeds with its t interval; none where nothing was evaluated.

        A baseline looks at no modality: where it was evaluated with all, that holds for every subset.
        """
        values = self.values.get((metric, present))
        if values is None and self.config_id is None and present in PRESENT:
            values = self.values.get((metric, "tav"))
        return t_interval(list(values.values())) if values else None


WITHOUT_SEED = -1


def evaluated_contenders(
    evaluations: pd.DataFrame, metrics: tuple[str, ...], split: str = "test", ablation: str = "zero"
) -> list[Contender]:
    """What an evaluations table says, in the order of `CONTENDERS`: one entry a contender, prediction and
    configuration, so that two configurations selected one after the other are never mixed.

    Values that are not a number are left out, as a metric may be undefined for a subset.

    Args:
        evaluations: the table.
        metrics: of these.
        split: of this one.
        ablation: by this kind of removing whole modalities. The table has the whole set under `zero` alone; it
            stands beside the others' too.
    """
    rows = evaluations[evaluations["split"] == split]
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
    # Sorting is stable: of two configurations under one name the one evaluated last comes first.
    found.sort(key=lambda contender: latest[contender.config_id or ""], reverse=True)
    return sorted(found, key=_rank)


def as_configured(found: Iterable[Contender]) -> list[Contender]:
    """Of each contender and configuration the first prediction: what it predicts by as configured. The others, chosen
    after training, stand in `results.evaluation.debiasing_table`.
    """
    first: dict[tuple[str, str | None], Contender] = {}
    for contender in found:
        first.setdefault((contender.name, contender.config_id), contender)
    return list(first.values())


def labels(found: Sequence[Contender]) -> list[str]:
    """A name for each contender as configured, told apart by the configuration where two were selected one after the
    other.
    """
    names = [contender.name for contender in found]
    return [
        name if names.count(name) == 1 else f"{name} {(contender.config_id or '')[:6]}"
        for name, contender in zip(names, found, strict=True)
    ]


def difference(
    first: Contender, second: Contender, metric: str, present: str = "tav"
) -> PairedDifference | None:
    """First minus second on the seeds both have; none where they share no seed."""
    one, other = (contender.values.get((metric, present), {}) for contender in (first, second))
    if not one.keys() & other.keys() - {WITHOUT_SEED}:
        return None
    return paired_difference(one, other)


@dataclass(frozen=True, slots=True)
class Lead:
    """How far the selected configuration is ahead of another contender on the test split.

    Attributes:
        other: that contender.
        interval: of the mean of the differences over common seeds, selected minus other; against a baseline without
            seeds that of selected less its one value.
        p_value: that there is none, corrected by Holm for all that are compared; none where it cannot be told.
        effect_size: of the difference, in units of its spread; likewise.
    """

    other: Contender
    interval: Interval
    p_value: float | None
    effect_size: float | None


def leads(selected: Contender, others: Iterable[Contender], metric: str) -> list[Lead]:
    """How far the selected is ahead of each other contender, with all modalities present."""
    found = []
    for other in others:
        gap = difference(selected, other, metric)
        constant = other.values.get((metric, "tav"), {}).get(WITHOUT_SEED)
        if gap is not None:
            found.append(Lead(other, gap.interval, gap.p_value, gap.effect_size))
        elif constant is not None and (own := selected.values.get((metric, "tav"))):
            found.append(Lead(other, t_interval([value - constant for value in own.values()]), None, None))
    corrected = holm_of_told([lead.p_value for lead in found])
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
