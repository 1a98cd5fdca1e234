"""How evidence is taken from a model that is evaluated: whole modalities, or steps of them.

Kinds that take away whole modalities:

zero          their features become 0, after standardisation, as published
mean          every step that is there becomes the training mean of each channel: 0, as above, where features are
              standardised, and another thing where they are not
permutation   every sample gets the features, with their mask, of another one: a value that the modality really takes,
              with no bearing on the label. One donor gives all that a sample has lost. Others permute within a batch;
              here the whole split is one random cycle, so that the batch size has no part in the result and no sample
              keeps its own features (but where it is the only one)

Kinds that take away steps, at a rate r:

random_steps  each step that is there becomes 0 with probability r, independently
spans         of n steps that are there, one run of round(r n) (half to even) becomes 0, at a random place

A step is there where its features are not all 0: padding is never counted. Masks stay as they are, but for those of
donors. What is drawn comes from the stream `removal` of the run's seed, and neither from the batches nor from the rate:
at a higher rate `random_steps` takes the same steps and more.
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

WholeRemoval = Literal["zero", "mean", "permutation"]
StepRemoval = Literal["random_steps", "spans"]
STEP_REMOVALS: tuple[StepRemoval, ...] = get_args(StepRemoval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What is taken away, and how.

    Attributes:
        kind: see above; default `zero`.
        modalities: from which; default none.
        rate: the share of the steps, between 0 and 1; for `random_steps` and `spans`, and only for them.
        seed: the run's, by which `permutation`, `random_steps` and `spans` draw; default 0.

    Raises:
        ValueError: the rate does not fit the kind.
    """

    kind: WholeRemoval | StepRemoval = "zero"
    modalities: frozenset[Modality] = frozenset()
    rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.rate is not None) != (self.kind in STEP_REMOVALS):
            raise ValueError(
                f"a rate goes with {' and '.join(STEP_REMOVALS)}; given {self.rate} for {self.kind}"
            )
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f"a rate is between 0 and 1, given {self.rate}")

    @property
    def present(self) -> str:
        """The name of the modalities that are not taken away as a whole (`subset_name`)."""
        gone = frozenset[Modality]() if self.kind in STEP_REMOVALS else self.modalities
        return subset_name(frozenset(MODALITIES) - gone)

    def applied(self, batches: Batches) -> Iterator[Batch]:
        """The batches, in the split's own order, without what is taken away."""
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
            yield batch.replaced({m: there(batch[m])[..., None] * fill for m, fill in fills.items()})

    def _with_donors(self, split: Split) -> Split:
        """The split with every sample's features, and their lengths, taken from its donor."""
        donors = cycle(len(split), self._stream())
        lost = {m: Rows((split.features[m],), donors) for m in self.modalities}
        lengths = {m: split.lengths[m][donors] for m in self.modalities if m in split.lengths}
        return replace(split, features={**split.features, **lost}, lengths={**split.lengths, **lengths})

    def _without_steps(self, batches: Batches) -> Iterator[Batch]:
        """Streams run on from batch to batch, so that a sample draws the same wherever batches are cut."""
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
            gone = lost_spans(there(features), rate, places)
        return features.masked_fill(gone[..., None], 0.0)

    def _stream(self, *parts: str) -> np.random.Generator:
        return numpy_stream(self.seed, "removal", self.kind, *parts)


NO_ABLATION = Ablation()


def there(features: Tensor) -> Tensor:
    """`(batch, time)`: which steps of `features (batch, time, width)` are there, and no padding."""
    return features.ne(0).any(-1)


def cycle(samples: int, stream: np.random.Generator) -> NDArray[np.int64]:
    """`(samples,)`: the donor of each sample, by a cycle through all of them, each equally likely (Sattolo 1986)."""
    order = stream.permutation(samples)
    donors = np.empty(samples, np.int64)
    donors[order] = np.roll(order, 1)
    return donors


def lost_spans(present: Tensor, rate: float, places: Tensor) -> Tensor:
    """`(batch, time)`: of each sample's n present steps, in a row round(rate n) of them.

    Args:
        present: `(batch, time)`, which steps are there.
        rate: between 0 and 1.
        places: `(batch,)` float64 in [0, 1): where among its n - round(rate n) + 1 places the span begins.
    """
    count = present.sum(1)
    length = (rate * count.double()).round()
    first = (places * (count - length + 1)).floor()
    rank = present.cumsum(1) - 1
    return present & (rank >= first[:, None]) & (rank < (first + length)[:, None])


def ablations(kinds: Iterable[WholeRemoval], step_rates: Iterable[float], seed: int) -> Iterator[Ablation]:
    """What one run is evaluated with: nothing taken away, then by each kind every subset of the modalities, then at
    each rate steps of all modalities at once, at random and in spans.

    Args:
        kinds: of removing whole modalities.
        step_rates: the rates; none: no steps are taken away.
        seed: the run's.
    """
    everything = frozenset(MODALITIES)
    for kind in kinds:
        # Nothing taken away is one and the same for every kind: it is evaluated once, as `zero`.
        wanted = [present for present in subsets() if kind == "zero" or present != everything]
        yield from (Ablation(kind=kind, modalities=everything - present, seed=seed) for present in wanted)
    rates = tuple(step_rates)
    for step_kind in STEP_REMOVALS:
        yield from (Ablation(kind=step_kind, modalities=everything, rate=rate, seed=seed) for rate in rates)


# FOLDED How good a model is where a modality is missing: the worst of a metric over the three ways to lack one.
def worst_missing(
    evaluated: Callable[[Ablation], Mapping[str, float]], directions: Mapping[str, Direction]
) -> dict[str, float]:
    """For each metric m, with v(S) its value with the modalities S present and the features of the others 0,

        worst over k in {text, audio, vision} of v(all but k),

    the least where more of the metric is better, else the greatest.

    Args:
        evaluated: all metrics of the model on a split without what is taken away.
        directions: of the metrics that are wanted; none: nothing is evaluated.
    """
    if not directions:
        return {}
    found = [evaluated(without) for without in one_missing()]
    return {
        metric: min((values[metric] for values in found), key=lambda value: oriented(value, direction))
        for metric, direction in directions.items()
    }


def one_missing() -> Iterable[Ablation]:
    """The three removals of one modality, by zeros."""
    return (Ablation(modalities=frozenset({modality})) for modality in MODALITIES)
