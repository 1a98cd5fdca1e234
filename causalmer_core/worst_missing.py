"""How good a model is where a modality is missing: the worst of a metric over the three ways to lack one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from causalmer_core.metrics import Direction
from causalmer_core.modality import MODALITIES
from causalmer_core.removal import Removal


def worst_missing(
    evaluated: Callable[[Removal], Mapping[str, float]], directions: Mapping[str, Direction]
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
        metric: (min if direction == "max" else max)(values[metric] for values in found)
        for metric, direction in directions.items()
    }


def one_missing() -> Iterable[Removal]:
    """The three removals of one modality, by zeros."""
    return (Removal(modalities=frozenset({modality})) for modality in MODALITIES)
