"""The three modalities, and the batch that carries them.

The order text, audio, vision is the order everywhere: in tuples, in columns and in tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, combinations

import torch
from torch import Tensor


class Modality(StrEnum):
    """One source of evidence about an emotion."""

    TEXT = "text"
    AUDIO = "audio"
    VISION = "vision"

    @property
    def letter(self) -> str:
        """The one-letter form used in papers and in column names: `t`, `a`, `v`."""
        return self.value[0]


MODALITIES = (Modality.TEXT, Modality.AUDIO, Modality.VISION)


def subsets(modalities: Iterable[Modality] = MODALITIES) -> Iterator[frozenset[Modality]]:
    """Every subset of the modalities, the empty one first and the whole last, in a fixed order."""
    items = tuple(modalities)
    return (frozenset(s) for s in chain.from_iterable(combinations(items, n) for n in range(len(items) + 1)))


def subset_name(modalities: Iterable[Modality]) -> str:
    """The letters of a subset in the fixed order (`"tv"`), or `"none"` for the empty one."""
    chosen = frozenset(modalities)
    return "".join(m.letter for m in MODALITIES if m in chosen) or "none"


@dataclass(frozen=True, slots=True)
class Batch:
    """Several samples stacked, with their labels and masks.

    Attributes:
        text, audio, vision: features, each `(batch, time, features)` with its own time and width.
        labels: `(batch, emotions)` or `(batch,)` class indices (int64), or `(batch,)` float32 targets.
        masks: by modality `(batch, time)`, true at present steps. A modality without a mask has all steps.
    """

    text: Tensor
    audio: Tensor
    vision: Tensor
    labels: Tensor
    masks: Mapping[Modality, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.text.shape[0]

    def __getitem__(self, modality: Modality) -> Tensor:
        features: Tensor = getattr(self, modality.value)
        return features

    def mask(self, modality: Modality) -> Tensor | None:
        """The mask of a modality's present steps, `(batch, time)`, or None if all are present."""
        return self.masks.get(modality)

    def replaced(self, features: Mapping[Modality, Tensor]) -> Batch:
        """The batch with other features of some modalities; labels and masks stay."""
        text, audio, vision = (features.get(m, self[m]) for m in MODALITIES)
        return replace(self, text=text, audio=audio, vision=vision)

    def without(self, removed: Iterable[Modality]) -> Batch:
        """The batch with the features of `removed` modalities set to zero (ablation as published)."""
        return self.replaced({m: torch.zeros_like(self[m]) for m in removed})

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`."""
        text, audio, vision = (self[m].to(device) for m in MODALITIES)
        masks = {m: mask.to(device) for m, mask in self.masks.items()}
        return Batch(text, audio, vision, self.labels.to(device), masks)
