"""Ablations of the input of an evaluated model: of whole modalities, or of their steps.

Ablations of whole modalities:

zero          the features become 0, after standardisation, as published
mean          every present step becomes the training mean of each channel; this equals `zero` for standardised
              features only
permutation   every sample gets the features and the mask of another sample, its donor, in all ablated modalities: real
              values of the modality, independent of the label. The whole split is one random cycle, so the result
              does not depend on the batch size, and no sample keeps its own features (unless it is the only one)

Ablations of steps, at a rate r:

random_steps  each present step becomes 0 with probability r, independently
spans         one run of round(r n) of n present steps (half to even) becomes 0, at a random place

A step is present if its features are not all 0, so padding is never counted. Masks do not change, except with donors.
Draws come from the random stream `removal` of the run's seed and depend neither on the batches nor on the rate: at a
higher rate `random_steps` ablates the same steps and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causalmer_core.basics.modality import MODALITIES, Batch, Modality, subset_name, subsets
from causalmer_core.basics.seeding import numpy_stream
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.batches import Batches
from causalmer_core.datasets.folds import Rows
from causalmer_core.measures.metrics import Direction, oriented

ModalityAblation = Literal["zero", "mean", "permutation"]
StepAblation = Literal["random_steps", "spans"]
STEP_ABLATIONS: tuple[StepAblation, ...] = get_args(StepAblation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One ablation.

    Attributes:
        kind: see the module; default `zero`.
        modalities: the ablated modalities; default none.
        rate: the share of the steps, between 0 and 1, for `random_steps` and `spans`. None: for every other kind.
        seed: the seed of the run, for the draws of `permutation`, `random_steps` and `spans`; default 0.

    Raises:
        ValueError: the rate does not fit the kind.
    """

    kind: ModalityAblation | StepAblation = "zero"
    modalities: frozenset[Modality] = frozenset()
    rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.rate is not None) != (self.kind in STEP_ABLATIONS):
            raise ValueError(
                f"a rate goes with {' and '.join(STEP_ABLATIONS)}; given {self.rate} for {self.kind}"
            )
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f"a rate is between 0 and 1, given {self.rate}")

    @property
    def present(self) -> str:
        """The name of the modalities that are not ablated as a whole (`subset_name`)."""
        gone = frozenset[Modality]() if self.kind in STEP_ABLATIONS else self.modalities
        return subset_name(frozenset(MODALITIES) - gone)

    def applied(self, batches: Batches) -> Iterator[Batch]:
        """The ablated batches, in the split's own order."""
        if self.kind == "permutation":
            return batches.on(self._with_donors(batches.split))()
        if self.kind == "mean":
            return self._filled(batches)
        if self.kind == "zero":
            return (batch.without(self.modalities) for batch in batches())
        return self._without_steps(batches)

    def _filled(self, batches: Batches) -> Iterator[Batch]:
        fills = {modality: batches.fill(modality) for modality in self.modalities}
        for batch in batches():
            yield batch.replaced({m: present_mask(batch[m])[..., None] * fill for m, fill in fills.items()})

    def _with_donors(self, split: Split) -> Split:
        """The split with each sample's ablated features, and their lengths, replaced by its donor's."""
        donors = cycle(len(split), self._stream())
        lost = {m: Rows((split.features[m],), donors) for m in self.modalities}
        lengths = {m: split.lengths[m][donors] for m in self.modalities if m in split.lengths}
        return replace(split, features={**split.features, **lost}, lengths={**split.lengths, **lengths})

    def _without_steps(self, batches: Batches) -> Iterator[Batch]:
        # Streams continue from batch to batch, so a sample's draws do not depend on the batch size.
        streams = {modality: self._stream(modality) for modality in MODALITIES if modality in self.modalities}
        for batch in batches():
            yield batch.replaced({m: self._with_gaps(batch[m], stream) for m, stream in streams.items()})

    def _with_gaps(self, features: Tensor, stream: np.random.Generator) -> Tensor:
        samples, steps, _ = features.shape
        rate = self.rate or 0.0
        if self.kind == "random_steps":
            gone = torch.from_numpy(stream.random((samples, steps)) < rate).to(features.device)
        else:
            places = torch.from_numpy(stream.random(samples)).to(features.device)
            gone = lost_spans(present_mask(features), rate, places)
        return features.masked_fill(gone[..., None], 0.0)

    def _stream(self, *parts: str) -> np.random.Generator:
        return numpy_stream(self.seed, "removal", self.kind, *parts)


NO_ABLATION = Ablation()
"""The evaluation of all evidence."""


def present_mask(features: Tensor) -> Tensor:
    """The mask of the present steps of `features (batch, time, width)`, `(batch, time)`: not all 0."""
    return features.ne(0).any(-1)


def cycle(samples: int, stream: np.random.Generator) -> NDArray[np.int64]:
    """The donor of each sample, `(samples,)`: one cycle through all samples, each equally likely (Sattolo 1986)."""
    order = stream.permutation(samples)
    donors = np.empty(samples, np.int64)
    donors[order] = np.roll(order, 1)
    return donors


def lost_spans(present: Tensor, rate: float, places: Tensor) -> Tensor:
    """The mask of an ablated span, `(batch, time)`: round(rate n) successive ones of each sample's n present steps.

    Args:
        present: `(batch, time)`, the mask of the present steps.
        rate: between 0 and 1.
        places: `(batch,)` float64 in [0, 1): the begin of the span, as a share of its n - round(rate n) + 1 places.
    """
    count = present.sum(1)
    length = (rate * count.double()).round()
    first = (places * (count - length + 1)).floor()
    rank = present.cumsum(1) - 1
    return present & (rank >= first[:, None]) & (rank < (first + length)[:, None])


def ablations(
    kinds: Iterable[ModalityAblation], step_rates: Iterable[float], seed: int
) -> Iterator[Ablation]:
    """The ablations that one run is evaluated with.

    First no ablation, then for each kind every subset of the modalities, then for each rate steps of all modalities at
    once, at random and in spans.

    Args:
        kinds: the kinds of ablations of whole modalities.
        step_rates: the rates of ablated steps; empty: no steps are ablated.
        seed: the seed of the run.
    """
    everything = frozenset(MODALITIES)
    for kind in kinds:
        # Without an ablated modality all kinds are the same: that is evaluated once, as `zero`.
        wanted = [present for present in subsets() if kind == "zero" or present != everything]
        yield from (Ablation(kind=kind, modalities=everything - present, seed=seed) for present in wanted)
    rates = tuple(step_rates)
    for step_kind in STEP_ABLATIONS:
        yield from (Ablation(kind=step_kind, modalities=everything, rate=rate, seed=seed) for rate in rates)


def worst_missing(
    evaluated: Callable[[Ablation], Mapping[str, float]], directions: Mapping[str, Direction]
) -> dict[str, float]:
    """The worst value of each metric over the three ways to miss one modality:

        worst over k in {text, audio, vision} of v(all but k),

    where v(S) is the metric with the modalities S present and the features of the others 0. The worst is the least if
    more of the metric is better, else the greatest.

    Args:
        evaluated: gives all metrics of the model on a split under an ablation.
        directions: the direction of each wanted metric; empty: nothing is evaluated.
    """
    if not directions:
        return {}
    found = [evaluated(without) for without in one_missing()]
    return {
        metric: min((values[metric] for values in found), key=lambda value: oriented(value, direction))
        for metric, direction in directions.items()
    }


def one_missing() -> Iterable[Ablation]:
    """The three ablations of one modality, by zeros."""
    return (Ablation(modalities=frozenset({modality})) for modality in MODALITIES)
