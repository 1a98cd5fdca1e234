"""A data set from a structural causal model with planted shortcuts and known best accuracy.

For each sample, emotion e and modality m:

    y_e   ~ Bernoulli(1/2)                      the label;  s_e = 2 y_e - 1
    z_me  = signal_m s_e + N(0, 1)              causal evidence: weak, holds in every split
    k_me  = s_e with probability (1 + rho_m)/2, else -s_e, in the training split       (rho_m: `shortcuts`)
    k_me  = +1 or -1 with probability 1/2, whatever the label, in validation and test
    x_mt  = sum_e z_me U_me + cue_scale sum_e k_me V_me + noise N(0, I)   for each step t = 1..T

U and V are 2E orthonormal directions of the modality's features, drawn once for a seed. The shortcut k is easy to see
and nearly decides the label in training. It says nothing in validation and test: a predictor that relies on it alone is
right half the time there.

In validation and test the best predictor uses the evidence alone: the projection of the mean step on U_me is
N(signal_m s_e, 1 + noise^2/T), independent over modalities and of everything else in x, so

    ideal accuracy = Phi( sqrt( sum_m signal_m^2 / (1 + noise^2/T) ) )

for each emotion, Phi being the standard normal distribution function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.seeding import numpy_stream
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.basics.validation import LARGEST_WHOLE
from causalmer_core.datasets.base import FloatArray, Split
from causalmer_core.datasets.labels import default_label_names


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Strength = Annotated[float, Field(ge=0.0)]
Dependence = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class Signals(_Part):
    """Mean distance of the causal evidence from 0, in units of its own spread.

    Attributes:
        text, audio, vision: of each modality.
    """

    text: Strength = 0.9
    audio: Strength = 0.7
    vision: Strength = 0.7


class Shortcuts(_Part):
    """rho of each modality: 0 no shortcut, 1 the cue equals the label throughout training.

    Attributes:
        text, audio, vision: of each modality.
    """

    text: Dependence = 0.5
    audio: Dependence = 0.5
    vision: Dependence = 0.9


class Widths(_Part):
    """Features a step of each modality; at least 2E.

    Attributes:
        text, audio, vision: of each modality.
    """

    text: Count = 16
    audio: Count = 12
    vision: Count = 16


class SyntheticConfig(_Part):
    """The parameters of the structural causal model of this module.

    Attributes:
        seed: of all draws. With more samples the first ones stay the same.
        train, valid, test: samples a split.
        emotions: E, the number of binary labels.
        time: T, steps of each modality.
        widths: features a step.
        signals: strength of the causal evidence.
        shortcuts: strength of the training cue.
        cue_scale: size of the cue, against evidence of spread 1.
        noise: standard deviation of the noise of each feature and step.
    """

    seed: int = Field(default=0, ge=0, le=LARGEST_WHOLE)
    train: Count = 1200
    valid: Count = 400
    test: Count = 800
    emotions: Count = 1
    time: Count = 8
    widths: Widths = Widths()
    signals: Signals = Signals()
    shortcuts: Shortcuts = Shortcuts()
    cue_scale: Strength = 2.0
    noise: float = Field(default=1.0, ge=0.0)

    @model_validator(mode="after")
    def _directions_fit(self) -> SyntheticConfig:
        for modality in MODALITIES:
            width = getattr(self.widths, modality.value)
            if width < 2 * self.emotions:
                raise ValueError(
                    f"widths.{modality.value} is {width}; {self.emotions} emotions need at least {2 * self.emotions}"
                )
        return self


@dataclass(frozen=True, slots=True)
class SyntheticData:
    """A drawn data set.

    Attributes:
        task: `emotions`.
        splits: `train`, `valid` and `test`.
    """

    task: Task
    splits: Mapping[str, Split]


def ideal_accuracy(config: SyntheticConfig) -> float:
    """The best accuracy per emotion that any predictor can expect on validation and test."""
    separation = sum(getattr(config.signals, m.value) ** 2 for m in MODALITIES)
    return NormalDist().cdf(math.sqrt(separation / (1.0 + config.noise**2 / config.time)))


def make_synthetic(config: SyntheticConfig) -> SyntheticData:
    """Draw the data set. The same configuration gives the same numbers."""
    sizes = {"train": config.train, "valid": config.valid, "test": config.test}
    names = default_label_names(TaskKind.EMOTIONS, config.emotions)
    task = Task(kind=TaskKind.EMOTIONS, labels=names)
    return SyntheticData(task, {name: _split(config, name, size) for name, size in sizes.items()})


def directions(
    config: SyntheticConfig, modality: Modality
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """U and V of a modality, each `(emotions, width)`; all rows are orthonormal."""
    width = getattr(config.widths, modality.value)
    drawn = numpy_stream(config.seed, "synthetic", "directions", modality.value).normal(
        size=(width, 2 * config.emotions)
    )
    orthonormal = np.linalg.qr(drawn).Q.T
    return orthonormal[: config.emotions], orthonormal[config.emotions :]


def _split(config: SyntheticConfig, split: str, samples: int) -> Split:
    def stream(name: str, modality: str = "") -> np.random.Generator:
        # One stream for each quantity: with more samples its first numbers stay the same.
        return numpy_stream(config.seed, "synthetic", split, name, modality)

    labels = stream("labels").integers(0, 2, size=(samples, config.emotions))
    signs = 2.0 * labels - 1.0
    features: dict[Modality, FloatArray] = {}
    for modality in MODALITIES:
        key = modality.value
        rho = getattr(config.shortcuts, key) if split == "train" else 0.0
        evidence = getattr(config.signals, key) * signs + stream("evidence", key).normal(size=signs.shape)
        agrees = stream("cue", key).random(size=signs.shape) < (1.0 + rho) / 2.0
        cue = config.cue_scale * np.where(agrees, signs, -signs)
        causal, spurious = directions(config, modality)
        noise = stream("noise", key).normal(size=(samples, config.time, causal.shape[1]))
        step = evidence @ causal + cue @ spurious
        features[modality] = (step[:, None, :] + config.noise * noise).astype(np.float32)
    ids = tuple(f"{split}-{i}" for i in range(samples))
    return Split(features, labels.astype(np.int64), ids)
