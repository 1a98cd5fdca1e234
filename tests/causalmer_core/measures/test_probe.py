"""The linear probe shows a planted shortcut, is fair to honest features, and never fails on odd labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from real_data import real_data_file
from tiny_data import tiny_data

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.reading.importing import read_data_file
from causalmer_core.datasets.store import open_training_data, write_dataset
from causalmer_core.datasets.synthetic import Shortcuts, SyntheticConfig, make_synthetic
from causalmer_core.measures.probe import ProbeScore, probe


def drawn(tmp_path: Path, **values: object) -> TrainingData:
    data = make_synthetic(SyntheticConfig.model_validate({"train": 600, "valid": 400, "test": 2, **values}))
    write_dataset(tmp_path, "drawn", task=data.task, splits=data.splits)
    return open_training_data(tmp_path, "drawn")


def score(scores: tuple[ProbeScore, ...], *modalities: Modality, pooling: str = "last") -> ProbeScore:
    (found,) = (s for s in scores if s.modalities == modalities and s.pooling in (pooling, None))
    return found


def test_a_planted_shortcut_is_seen_and_honest_evidence_is_not_called_one(tmp_path: Path) -> None:
    shortcuts = Shortcuts(text=0.0, audio=0.0, vision=0.98)
    scores = probe(drawn(tmp_path, shortcuts=shortcuts, signals={"text": 1.5, "audio": 1.0, "vision": 0.0}))
    vision, text = score(scores, Modality.VISION), score(scores, Modality.TEXT)
    assert vision.train > 0.9
    assert vision.valid < 0.6
    assert vision.remark == "shortcut"
    assert text.remark == ""
    assert text.valid > 0.8


def test_the_majority_baseline_is_the_training_majority_and_the_constant_is_the_best_one() -> None:
    data = tiny_data(TaskKind.CLASSES)
    data = replace(
        data,
        train=replace(data.train, labels=np.array([0] * 15 + [1] * 6)),
        valid=replace(data.valid, labels=np.array([0] * 2 + [2] * 7)),
    )
    majority = probe(data)[0]
    assert majority == ProbeScore((), None, 15 / 21, 2 / 9, 7 / 9)


@pytest.mark.parametrize("kind", TaskKind)
def test_every_task_is_probed_by_each_modality_and_all_of_them_and_both_poolings(kind: TaskKind) -> None:
    scores = probe(tiny_data(kind))
    looked_at = [(s.modalities, s.pooling) for s in scores[1:]]
    alone = [(m,) for m in MODALITIES]
    assert looked_at == [(m, pooling) for pooling in ("last", "mean") for m in (*alone, MODALITIES)]
    assert all(0 <= value <= 1 for s in scores for value in (s.train, s.valid, s.constant))


def test_the_real_data_set_shows_the_shortcut_of_its_vision(tmp_path: Path) -> None:
    data = read_data_file(real_data_file(), TaskKind.EMOTIONS)
    write_dataset(tmp_path, "mosi", task=data.task, splits=data.splits)
    scores = probe(open_training_data(tmp_path, "mosi"))
    vision = score(scores, Modality.VISION)
    assert vision.train == pytest.approx(0.9, abs=0.05)
    assert vision.valid == pytest.approx(0.5, abs=0.05)
    assert vision.remark == "shortcut"
    assert score(scores, Modality.TEXT).valid == pytest.approx(0.77, abs=0.01)
