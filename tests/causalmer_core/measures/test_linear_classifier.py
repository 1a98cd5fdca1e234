"""The linear baseline: what it looks at, what a removed modality is to it, and labels with one value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_data import tiny_data, tiny_split

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.measures import linear_classifier
from causalmer_core.measures.linear_classifier import LinearClassifier, pooled


def test_pooling_takes_the_last_step_that_is_there_or_the_mean_of_those() -> None:
    split = tiny_split(TaskKind.CLASSES, 4, key=0)
    audio = np.arange(4 * 8 * 5, dtype=np.float32).reshape(4, 8, 5) + 1
    split = replace(
        split,
        features={**split.features, Modality.AUDIO: audio},
        lengths={Modality.AUDIO: np.array([8, 3, 1, 0])},
    )
    last, mean = (pooled(split, Modality.AUDIO, pooling) for pooling in ("last", "mean"))
    assert np.array_equal(last, np.stack([audio[0, 7], audio[1, 2], audio[2, 0], audio[3, 0]]))
    assert np.allclose(mean[:3], [audio[0].mean(0), audio[1, :3].mean(0), audio[2, 0]])
    assert not mean[3].any()
    without = replace(split, lengths={})
    assert np.array_equal(pooled(without, Modality.AUDIO, "last"), audio[:, -1])


@pytest.mark.parametrize("kind", TaskKind)
def test_it_predicts_every_task_in_the_form_of_its_labels(kind: TaskKind) -> None:
    data = tiny_data(kind)
    found = LinearClassifier(data.task, data.train).predict(data.valid)
    assert found.shape == np.asarray(data.valid.labels).shape
    if kind is not TaskKind.REGRESSION:
        assert set(np.unique(found)) <= set(np.unique(data.train.labels))


def test_it_finds_what_a_line_can_tell() -> None:
    split = tiny_split(TaskKind.CLASSES, 300, key=5)
    features = {
        **split.features,
        Modality.TEXT: split.features[Modality.TEXT][:, :1],
    }  # its first step decides
    split = replace(split, features=features)
    data = tiny_data(TaskKind.CLASSES)
    found = LinearClassifier(data.task, split, [Modality.TEXT]).predict(split)
    assert (found == split.labels).mean() > 0.8


def test_a_removed_modality_is_at_its_training_mean() -> None:
    data = tiny_data(TaskKind.REGRESSION)
    model = LinearClassifier(data.task, data.train)
    vision = np.broadcast_to(
        pooled(data.train, Modality.VISION, "last").mean(axis=0), data.valid.features[Modality.VISION].shape
    )
    at_mean = replace(data.valid, features={**data.valid.features, Modality.VISION: vision})
    removed = model.predict(data.valid, removed=[Modality.VISION])
    assert np.allclose(removed, model.predict(at_mean), atol=1e-5)
    assert not np.allclose(removed, model.predict(data.valid))


def test_without_any_modality_it_predicts_the_same_for_all() -> None:
    data = tiny_data(TaskKind.REGRESSION)
    found = LinearClassifier(data.task, data.train).predict(data.valid, removed=MODALITIES)
    assert np.ptp(found) == pytest.approx(0, abs=1e-5)


def test_a_label_with_one_value_is_predicted_always() -> None:
    data = tiny_data(TaskKind.EMOTIONS)
    train = replace(data.train, labels=np.ones_like(data.train.labels))
    assert LinearClassifier(data.task, train).predict(data.valid).all()


def test_large_training_splits_are_thinned_the_same_way_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiny_data(TaskKind.REGRESSION)
    whole = LinearClassifier(data.task, data.train).predict(data.valid)
    monkeypatch.setattr(linear_classifier, "MOST_SAMPLES", 12)
    first, second = (LinearClassifier(data.task, data.train).predict(data.valid) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, whole)
