"""The layout of MMSA's processed files and of the files that MMSA-FET writes.

The files are `aligned_50.pkl` and `unaligned_50.pkl`: a pickled dict of `train`, `valid`, `test`, each a dict of
`text`, `audio`, `vision` `(samples, time, width)`, `regression_labels`, mostly `classification_labels` (0 negative, 1
neutral, 2 positive), `id` (`video$_$clip`), `text_bert` `(samples, 3, time)` (token numbers, mask, segments) and, where
audio and vision are not aligned with the words, `audio_lengths` and `vision_lengths`. Padding is at the end. Yu et al.,
ACL 2020; https://github.com/thuiar/MMSA.
"""

from __future__ import annotations

from collections.abc import Mapping

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import Samples
from causalmer_core.datasets.reading.layouts.base import IDS, LABELS, LENGTHS, PLAIN_KEYS, Layout, same_or
from causalmer_core.datasets.reading.layouts.pickled import open_pickle

TOKENS = "text_bert"
REGRESSION = "regression_labels"
CLASSIFICATION = "classification_labels"


def _keys(found: Mapping[str, object], kind: TaskKind | None) -> dict[str, str]:
    labels = CLASSIFICATION if kind is TaskKind.CLASSES else REGRESSION
    keys = same_or(found, {**PLAIN_KEYS, LABELS: (labels,), IDS: ("id",)})
    aligned = not any(LENGTHS[m] in keys for m in (Modality.AUDIO, Modality.VISION))
    masked = MODALITIES if aligned else (Modality.TEXT,)
    keys |= {
        LENGTHS[m]: TOKENS for m in masked if LENGTHS[m] not in keys and _is_mask(found, found.get(m.value))
    }
    return keys


def _is_mask(found: Mapping[str, object], features: object) -> bool:
    """Whether the mask in the tokens has one number for each step of the features."""
    tokens = found.get(TOKENS)
    return (
        isinstance(tokens, Samples)
        and isinstance(features, Samples)
        and len(features.shape) == 3
        and tokens.shape[1:] == (3, features.shape[1])
    )


MMSA = Layout(
    name="mmsa",
    needs="a pickle of train, valid, test, each with text, audio, vision, regression_labels or classification_labels; "
    "perhaps id, text_bert, audio_lengths, vision_lengths",
    open=open_pickle,
    keys=_keys,
    marked=lambda found: any(key in found for key in (REGRESSION, CLASSIFICATION, TOKENS)),
    kind=TaskKind.REGRESSION,
    class_names={CLASSIFICATION: ("negative", "neutral", "positive")},
    id_separator="$_$",
)
