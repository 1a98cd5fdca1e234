"""Debiasing after training, in numbers: what each choice gains on validation, and what it gives on test.

Both gains are over the paper's vector (the trained constants with weights 1), positive where better, whatever the
metric's direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from results.evaluation.debiasing_records import (
    CONFIGURED,
    LEARNED,
    PAPER_VECTOR,
    SEARCHED,
    VectorRecord,
    read_records,
)
from results.evaluation.evaluation_table import Contender, evaluated_contenders
from results.evaluation.final_evaluation import SELECTED
from results.evaluation.prediction_rows import BACKBONE, FACTUAL, TIE
from results.records.dataset import SweepResults
from results.records.schemas import RunKey
from results.statistics.intervals import Interval, PairedDifference, paired_difference, t_interval

NAMES: Mapping[str, str] = {
    TIE: "as configured",
    f"{TIE}:{PAPER_VECTOR}": "the paper's weights, all 1",
    f"{TIE}:{LEARNED}": "learned weights",
    f"{TIE}:{SEARCHED}": "searched constants and weights",
    FACTUAL: "no counterfactuals: the fusion alone",
    BACKBONE: "no counterfactuals: the multimodal branch alone",
}
"""What stands behind a prediction, in words, in the order of the table."""


@dataclass(frozen=True, slots=True)
class DebiasingLine:
    """One way of predicting with the selected configuration's trained runs.

    Attributes:
        prediction: as in the evaluations table.
        name: in words.
        weights: mean over seeds of w_t, w_a, w_v; none without counterfactuals.
        constants: likewise of c_t, c_a, c_v.
        valid_gain: on samples of validation that had no part in choosing: the mean over seeds for each fold, with the t
            interval over folds; none where nothing was chosen.
        kept_paper: for how many seeds the paper's vector was kept in the end.
        test: the evaluation on the test split; none before it is opened.
        test_gain: on the test split with all modalities, over seeds.
    """

    prediction: str
    name: str
    weights: tuple[float, ...] | None
    constants: tuple[float, ...] | None
    valid_gain: Interval | None
    kept_paper: int
    test: Contender | None
    test_gain: PairedDifference | None


def debiasing_lines(results: SweepResults, config_id: str) -> list[DebiasingLine]:
    """The lines of a selected configuration in the order of `NAMES`; empty where nothing was chosen after training."""
    records = read_records(results.layout)
    of_runs = [records.get(RunKey(config_id, seed), {}) for seed in results.manifest.test_seeds]
    if not any(of_runs):
        return []
    tested = {
        contender.prediction: contender
        for contender in evaluated_contenders(results.evaluations, results.manifest.metrics)
        if (contender.name, contender.config_id) == (SELECTED, config_id)
    }
    methods = {TIE: CONFIGURED, **{f"{TIE}:{m}": m for m in (PAPER_VECTOR, LEARNED, SEARCHED)}}
    lines = []
    for prediction, name in NAMES.items():
        chosen = [found[m] for found in of_runs if (m := methods.get(prediction)) and m in found]
        if chosen or prediction in tested:
            lines.append(_line(results, prediction, name, chosen, tested))
    return lines


def _line(
    results: SweepResults,
    prediction: str,
    name: str,
    chosen: Sequence[VectorRecord],
    tested: Mapping[str, Contender],
) -> DebiasingLine:
    return DebiasingLine(
        prediction=prediction,
        name=name,
        weights=_mean([record.vector.weights for record in chosen]),
        constants=_mean([record.vector.constants for record in chosen]),
        valid_gain=_valid_gain(chosen),
        kept_paper=sum(bool(record.note) for record in chosen),
        test=tested.get(prediction),
        test_gain=_test_gain(results, tested.get(prediction), tested.get(f"{TIE}:{PAPER_VECTOR}")),
    )


def _mean(triples: Sequence[tuple[float, ...]]) -> tuple[float, ...] | None:
    return tuple(np.mean(triples, axis=0).tolist()) if triples else None


def _valid_gain(chosen: Sequence[VectorRecord]) -> Interval | None:
    """The folds are the same for every seed, so that each fold's mean over seeds is one value."""
    gains = [record.fold_gains for record in chosen if record.fold_gains]
    return t_interval(np.mean(gains, axis=0).tolist()) if gains else None


def _test_gain(
    results: SweepResults, found: Contender | None, paper: Contender | None
) -> PairedDifference | None:
    if found is None or paper is None or found is paper:
        return None
    key = (results.manifest.monitor, "tav")
    one, other = found.values.get(key, {}), paper.values.get(key, {})
    if not one.keys() & other.keys():
        return None
    ahead, behind = (one, other) if results.manifest.direction == "max" else (other, one)
    return paired_difference(ahead, behind)
