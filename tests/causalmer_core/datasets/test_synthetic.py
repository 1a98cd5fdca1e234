"""The synthetic data set keeps the promises of its structural equations."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.synthetic import (
    Shortcuts,
    Signals,
    SyntheticConfig,
    Widths,
    directions,
    ideal_accuracy,
    make_synthetic,
)


def projected(config: SyntheticConfig, split: Split, modality: Modality, part: int) -> np.ndarray:
    """The mean step's projection on U (part 0) or V (part 1): `(samples, emotions)`."""
    return split.features[modality].mean(axis=1) @ directions(config, modality)[part].T


def bayes_accuracy(config: SyntheticConfig, split: Split) -> float:
    """The accuracy of the sign of the log odds, which the equations make linear in the projections."""
    odds = sum(getattr(config.signals, m.value) * projected(config, split, m, 0) for m in MODALITIES)
    return float(((odds > 0) == split.labels).mean())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"emotions": 3, "noise": 3.0, "time": 2},
        {"signals": Signals(text=0.2, audio=0.0, vision=1.5), "cue_scale": 5.0},
        {"signals": Signals(text=0.0, audio=0.0, vision=0.0)},
    ],
)
def test_the_bayes_predictor_reaches_the_ideal_accuracy_on_valid_and_test(changes: dict[str, object]) -> None:
    config = SyntheticConfig(train=1, valid=20000, test=20000, **changes)  # type: ignore[arg-type]
    splits = make_synthetic(config).splits
    for name in ("valid", "test"):
        # four standard errors of a proportion
        assert bayes_accuracy(config, splits[name]) == pytest.approx(ideal_accuracy(config), abs=0.015)


def test_the_default_is_solvable_by_an_ideal_predictor() -> None:
    assert 0.88 < ideal_accuracy(SyntheticConfig()) < 0.92


@pytest.mark.parametrize("rho", [0.0, 0.4, 1.0])
def test_the_cue_agrees_with_the_label_as_often_as_set_in_training_and_half_the_time_elsewhere(
    rho: float,
) -> None:
    config = SyntheticConfig(
        train=8000,
        valid=8000,
        test=8000,
        cue_scale=50.0,
        shortcuts=Shortcuts(text=rho, audio=rho, vision=rho),
    )
    for name, split in make_synthetic(config).splits.items():
        expected = (1 + rho) / 2 if name == "train" else 0.5
        for modality in MODALITIES:
            agrees = ((projected(config, split, modality, 1) > 0) == split.labels).mean()
            assert agrees == pytest.approx(expected, abs=0.025)


def test_a_probe_falls_for_the_shortcut_and_would_not_without_it() -> None:
    def scores(config: SyntheticConfig) -> tuple[float, float]:
        splits = make_synthetic(config).splits
        flat = {
            name: np.concatenate([split.features[m].mean(axis=1) for m in MODALITIES], axis=1)
            for name, split in splits.items()
        }
        probe = LogisticRegression(max_iter=500).fit(flat["train"], splits["train"].labels[:, 0])
        return tuple(probe.score(flat[n], splits[n].labels[:, 0]) for n in ("train", "test"))  # type: ignore[return-value]

    train, test = scores(SyntheticConfig())
    fair = SyntheticConfig(shortcuts=Shortcuts(text=0.0, audio=0.0, vision=0.0))
    _, fair_test = scores(fair)
    assert train > 0.95
    assert test < 0.8
    assert fair_test > ideal_accuracy(fair) - 0.04


def test_the_same_configuration_gives_the_same_numbers_and_another_seed_gives_others() -> None:
    config = SyntheticConfig(train=5, valid=5, test=5)
    first, again = make_synthetic(config), make_synthetic(config)
    other = make_synthetic(config.model_copy(update={"seed": 1}))
    for modality in MODALITIES:
        left = first.splits["train"].features[modality]
        np.testing.assert_array_equal(left, again.splits["train"].features[modality])
        assert not np.array_equal(left, other.splits["train"].features[modality])
        assert not np.array_equal(left, first.splits["valid"].features[modality])


def test_more_samples_leave_the_first_ones_as_they_are() -> None:
    few = make_synthetic(SyntheticConfig(train=5, valid=6, test=7)).splits
    many = make_synthetic(SyntheticConfig(train=50, valid=60, test=70)).splits
    for name, split in few.items():
        np.testing.assert_array_equal(many[name].labels[: len(split)], split.labels)
        for modality in MODALITIES:
            np.testing.assert_array_equal(
                many[name].features[modality][: len(split)], split.features[modality]
            )


def test_arrays_have_the_forms_of_the_contract() -> None:
    data = make_synthetic(SyntheticConfig(train=5, valid=6, test=7, emotions=2, time=3))
    train = data.splits["train"]
    assert train.features[Modality.AUDIO].shape == (5, 3, 12)
    assert train.features[Modality.AUDIO].dtype == np.float32
    assert train.labels.shape == (5, 2)
    assert train.labels.dtype == np.int64
    assert set(np.unique(train.labels)) <= {0, 1}
    assert len(data.task.labels) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"shortcuts": {"text": 1.1}},
        {"train": 0},
        {"noise": -1.0},
        {"emotions": 3, "widths": Widths(text=5)},
        {"seed": -1},
        {"unknown": 1},
    ],
)
def test_impossible_parameters_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SyntheticConfig(**values)  # type: ignore[arg-type]
