"""The baselines of the final evaluation are judged on the test split, by the training split alone."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_data import tiny_data, tiny_split

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name, subsets
from causalmer_core.basics.task import TaskKind
from causalmer_core.measures.linear_classifier import LinearClassifier
from causalmer_core.measures.metrics import compute_metrics, majority_predictions
from results.evaluation.untrained_baselines import baseline_rows


@pytest.mark.parametrize("kind", TaskKind)
def test_the_majority_looks_at_nothing_and_the_linear_classifier_at_every_subset(kind: TaskKind) -> None:
    data, test = tiny_data(kind), tiny_split(kind, 40, key=9)
    majority, *linear = baseline_rows(data, test)
    assert (majority["contender"], majority["present"], majority["seed"]) == ("majority", "tav", None)
    assert [row["present"] for row in linear] == [subset_name(present) for present in subsets()]
    expected = compute_metrics(data.task, majority_predictions(data.task, data.train.labels, 40), test.labels)
    assert {name: majority[name] for name in expected} == expected
    model = LinearClassifier(data.task, data.train)
    found = {row["present"]: row for row in linear}
    for present, removed in (("tav", ()), ("tv", (Modality.AUDIO,)), ("none", MODALITIES)):
        scores = compute_metrics(data.task, model.predict(test, removed=removed), test.labels)
        assert {name: found[present][name] for name in scores} == scores


def test_without_any_modality_the_linear_classifier_predicts_the_same_for_all() -> None:
    data, test = tiny_data(TaskKind.REGRESSION), tiny_split(TaskKind.REGRESSION, 40, key=9)
    rows = {row["present"]: row for row in baseline_rows(data, test)}
    assert rows["none"]["correlation"] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(rows["tav"]["mae"])
