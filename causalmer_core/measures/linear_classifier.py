"""A linear classifier on one vector a sample: the baseline for deep models, and the probe.

The vectors of the modalities are concatenated; each channel is standardised by the training split. Emotions and
classes: L2-regularised logistic regression (scikit-learn, C = 0.01), one for each binary emotion. Scores: ridge
regression of the same strength. An ablated modality has the training mean in all its channels, which is 0 after
standardisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.seeding import numpy_stream
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.statistics import present_steps

Pooling = Literal["last", "mean"]
"""`last`: the last present step, as backbones read it; `mean`: the mean over the present steps."""
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

REGULARISATION = 0.01
"""scikit-learn's C."""
MOST_SAMPLES = 5000
"""Larger training splits are sampled down to this size, by the random stream `linear` of seed 0."""

Vectors = NDArray[np.float32]


def pooled(split: Split, modality: Modality, pooling: Pooling) -> Vectors:
    """One vector a sample, `(samples, width)`: its last present step, or the mean of them; 0 if none is present.

    Without lengths `last` is the last step of the array, as in the backbones.
    """
    lengths = split.lengths.get(modality)
    parts = []
    for chunk, present in present_steps(split.features[modality], lengths):
        if pooling == "mean":
            counts = np.maximum(present.sum(axis=1, keepdims=True), 1)
            parts.append((chunk * present[:, :, None]).sum(axis=1) / counts)
        else:
            start = sum(map(len, parts))
            of_chunk = None if lengths is None else np.asarray(lengths[start : start + len(chunk)])
            last = np.full(len(chunk), chunk.shape[1]) if of_chunk is None else np.maximum(of_chunk, 1)
            parts.append(chunk[np.arange(len(chunk)), last - 1])
    return np.concatenate(parts).astype(np.float32)


@final
class LinearClassifier:
    """A linear classifier, fitted when it is made.

    Args:
        task: the task.
        train: the training split.
        modalities: the modalities it uses, in this order.
        pooling: the way from the steps of a sample to one vector.
    """

    def __init__(
        self, task: Task, train: Split, modalities: Sequence[Modality] = MODALITIES, pooling: Pooling = "last"
    ) -> None:
        self._task = task
        self._modalities = tuple(modalities)
        self._pooling = pooling
        chosen = np.arange(len(train))
        if len(chosen) > MOST_SAMPLES:
            chosen = np.sort(numpy_stream(0, "linear").permutation(len(chosen))[:MOST_SAMPLES])
        vectors, labels = self._vectors(train)[chosen], np.asarray(train.labels)[chosen]
        self._means = vectors.mean(axis=0)
        targets = labels.T if task.kind is TaskKind.EMOTIONS else [labels]
        self._models = [self._fitted(vectors, target) for target in targets]

    def predict(self, split: Split, *, removed: Iterable[Modality] = ()) -> NDArray[Any]:
        """Decisions or scores for a split, in the form of `metrics.predicted_labels`."""
        vectors = self._vectors(split)
        for modality, columns in self._columns(split).items():
            if modality in frozenset(removed):
                vectors[:, columns] = self._means[columns]
        found = [
            np.full(len(vectors), model) if isinstance(model, np.generic) else model.predict(vectors)
            for model in self._models
        ]
        return np.stack(found, axis=1) if self._task.kind is TaskKind.EMOTIONS else np.asarray(found[0])

    def _vectors(self, split: Split) -> Vectors:
        return np.concatenate([pooled(split, m, self._pooling) for m in self._modalities], axis=1)

    def _columns(self, split: Split) -> dict[Modality, slice]:
        ends = np.cumsum([split.features[m].shape[2] for m in self._modalities])
        starts = (0, *ends)
        return {m: slice(a, b) for m, a, b in zip(self._modalities, starts, ends, strict=False)}

    def _fitted(self, vectors: Vectors, target: NDArray[Any]) -> Any:
        """The model of one target, or the target's value if it is constant."""
        if self._task.kind is TaskKind.REGRESSION:
            model: Any = Ridge(alpha=1 / REGULARISATION)
        elif len(np.unique(target)) < 2:
            return target[0]
        else:
            model = LogisticRegression(C=REGULARISATION, max_iter=1000)
        return make_pipeline(StandardScaler(), model).fit(vectors, target)
