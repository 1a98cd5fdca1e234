"""Proposals spread evenly over the space: points of a scrambled Sobol sequence (Owen, J. Complexity 14, 1998).

The point of proposal n is number n of the sequence that the search seed scrambles. Each entry of the space has a
coordinate of its own, which is left unused where the entry is absent; so conditions change no other value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scipy.stats.qmc import Sobol

from causalmer_core.basics.seeding import derive
from sweeps.space.parameters import Value
from sweeps.space.search_space import SearchSpace


def sobol_point(space: SearchSpace, seed: int, number: int) -> dict[str, Value]:
    """Proposal `number` of the search with this seed."""
    paths = space.searched_paths
    if not paths:
        return space.suggest(_Coordinates({}))
    engine = Sobol(len(paths), scramble=True, seed=derive(seed, "search", "sobol"))
    if number:
        engine.fast_forward(number)
    return space.suggest(_Coordinates(dict(zip(paths, engine.random(1)[0].tolist(), strict=True))))


class _Coordinates:
    """Turns coordinates from 0 (included) to 1 (excluded) into values."""

    def __init__(self, coordinates: dict[str, float]) -> None:
        self._coordinates = coordinates

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        if step is not None:
            return low + step * self._index(name, round((high - low) / step) + 1)
        share = self._coordinates[name]
        if not log:
            return low + share * (high - low)
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        return min(max(value, low), high)  # the exponential may be off in the last digit

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        if not log:
            return low + step * self._index(name, (high - low) // step + 1)
        # each whole number has the share of the range that rounds to it, as Optuna has it
        value = self._log_share(name, low - 0.5, high + 0.5)
        return min(max(round(value), low), high)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[self._index(name, len(choices))]

    def _index(self, name: str, count: int) -> int:
        return min(int(self._coordinates[name] * count), count - 1)

    def _log_share(self, name: str, low: float, high: float) -> float:
        return math.exp(math.log(low) + self._coordinates[name] * (math.log(high) - math.log(low)))
