"""The largest configuration that a sweep can train, by its estimated memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.training.memory_estimate import estimated_bytes
from sweeps.space.parameters import Value
from sweeps.space.search_space import SearchSpace
from sweeps.spec.configurations import Configurations

_MOST_ROUNDS = 4
"""Passes over all parameters; sizes that grow with every parameter need two."""

_INVALID = -1
"""The size of a point that gives no valid configuration."""

Size = Callable[[RunConfig], int]
"""The estimated bytes that training one seed of a configuration takes."""


class Sizes:
    """Estimated sizes of configurations in bytes (`causalmer_core.training.memory_estimate`), with a cache.

    Args:
        data: the data set to train on.
    """

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._known: dict[str, int] = {}

    def __call__(self, config: RunConfig) -> int:
        """The estimated bytes that training one seed takes."""
        # Most parameters of a space do not change the size, so the key holds the others only.
        model, trainer = config.model.model_dump_json(), config.trainer
        key = f"{model} {trainer.batch_size} {trainer.precision} {config.data.padding_masks}"
        if key not in self._known:
            self._known[key] = estimated_bytes(config, self._data)
        return self._known[key]


def largest_config(configurations: Configurations, size: Size) -> RunConfig:
    """The largest configuration among the points of the space, the fixed part and the paper's default.

    Coordinate ascent over the corners (ends of ranges, options of choices) starts at the last corner of each parameter
    and stops when no parameter changes. It finds the largest point if the size grows with each parameter. Otherwise it
    may miss a larger one; such a run is tried again with a larger share when it runs out of memory.

    Args:
        configurations: the configurations of the sweep.
        size: the size of a configuration.
    """
    space = configurations.space

    def at(point: Mapping[str, Value]) -> RunConfig:
        return configurations.of(space.values(lambda path, _: point[path]))

    def sized(point: Mapping[str, Value]) -> int:
        try:
            return size(at(point))
        except (ValidationError, UserError):  # the search cannot run such a combination either
            return _INVALID

    highest = _climbed(space, sized)
    found = [configurations.base, configurations.paper]
    found += [at(highest)] if sized(highest) > _INVALID else []
    return max(found, key=size)


def _climbed(space: SearchSpace, sized: Callable[[Mapping[str, Value]], int]) -> dict[str, Value]:
    point = {path: space.corners(path)[-1] for path in space.searched_paths}
    reached = sized(point)
    for _ in range(_MOST_ROUNDS):
        before = dict(point)
        for path in space.searched_paths:
            for value in space.corners(path):
                if (other := sized({**point, path: value})) > reached:
                    point, reached = {**point, path: value}, other
        if point == before:
            break
    return point
