"""The largest configuration that a sweep can train, by a size that is counted (`causalmer_core.training.memory_estimate`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.training.memory_estimate import estimated_bytes
from sweeps.space.parameters import Value
from sweeps.space.search_space import SearchSpace
from sweeps.spec.sweep_spec import SweepSpec

_MOST_ROUNDS = 4
"""Of looking at every parameter; sizes that grow with every parameter need two."""

_NONE = -1
"""The size of what is no configuration."""

Size = Callable[[RunConfig], int]


class Sizes:
    """Sizes of configurations in bytes, each counted once: most parameters of a space do not change it.

    Args:
        data: that they train on.
    """

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._known: dict[str, int] = {}

    def __call__(self, config: RunConfig) -> int:
        """Bytes that training one seed takes."""
        model, trainer = config.model.model_dump_json(), config.trainer
        key = f"{model} {trainer.batch_size} {trainer.precision} {config.data.padding_masks}"
        if key not in self._known:
            self._known[key] = estimated_bytes(config, self._data)
        return self._known[key]


def largest_config(spec: SweepSpec, fingerprint: str, size: Size) -> RunConfig:
    """The largest of what the search may propose and of the contenders it is held against.

    The search for it climbs from the point at which every parameter has its last corner (the end of a range, the last
    option of a choice): parameter after parameter takes the corner that makes the configuration largest beside the
    others, until none changes. Where sizes grow with each parameter that is the largest; where a size depends on a
    combination in another way it may be missed, and what is larger is tried again with more when it runs out of memory.
    """
    space = spec.bound_space()

    def at(point: Mapping[str, Value]) -> RunConfig:
        return spec.configuration(space.values(lambda path, _: point[path]), fingerprint)

    def sized(point: Mapping[str, Value]) -> int:
        try:
            return size(at(point))
        except (ValidationError, UserError):  # a combination that the search does not run either
            return _NONE

    highest = _climbed(space, sized)
    found = [spec.base_config(fingerprint), spec.paper_config(fingerprint)]
    found += [at(highest)] if sized(highest) > _NONE else []
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
