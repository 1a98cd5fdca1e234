"""The space for Optuna and for Sobol points: the same values, asked for in the same way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from sweeps.search.optuna_space import always_present, distributions, suggested_values
from sweeps.search.samplers import sobol_point
from sweeps.space.search_space import SearchSpace

FROZEN = json.loads((Path(__file__).parents[2] / "goldens" / "sobol_points.json").read_text(encoding="utf-8"))
"""Sobol points of a space with every kind of entry, computed by the code before `SearchSpace.values`."""
SPACE = SearchSpace.model_validate_json(json.dumps(FROZEN["space"]))


@pytest.mark.parametrize("point", FROZEN["points"], ids=lambda point: f"{point['seed']}-{point['number']}")
def test_sobol_points_are_those_of_before(point: dict[str, Any]) -> None:
    found = sobol_point(SPACE, point["seed"], point["number"])
    assert json.dumps(found) == json.dumps(point["values"])


def test_a_space_without_searched_parameters_has_one_sobol_point() -> None:
    space = SearchSpace.model_validate_json('{"a": {"constant": 3}, "b": {"same_as": "a", "times": 2}}')
    assert sobol_point(space, 0, 5) == {"a": 3, "b": 6}


def test_values_of_a_trial_lie_in_the_space_and_are_asked_for_by_its_distributions() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    known = distributions(SPACE)
    for _ in range(40):
        trial = study.ask()
        values = suggested_values(SPACE, trial)
        searched = [path for path in SPACE.searched_paths if path in values]
        assert list(trial.distributions) == searched
        assert trial.distributions == {path: known[path] for path in searched}
        assert all(SPACE[path].contains(values[path]) for path in searched)  # type: ignore[union-attr]
        assert ("only_mask" in values) == (values["words"] in ("mask", "hm"))


def test_distributions_have_the_bounds_steps_and_options_of_the_entries() -> None:
    found = distributions(SPACE)
    assert tuple(found) == SPACE.searched_paths
    assert found["log"] == FloatDistribution(1e-5, 0.1, log=True)
    assert found["stepped"] == FloatDistribution(0.1, 0.7, step=0.1)
    assert found["int_log"] == IntDistribution(1, 200, log=True)
    assert found["int_stepped"] == IntDistribution(8, 64, step=8)
    assert found["numbers"] == CategoricalDistribution((0.5, 1.0, 2.0))


def test_only_parameters_without_conditions_and_with_several_values_are_always_present() -> None:
    assert set(distributions(SPACE)) - set(always_present(SPACE)) == {"only_mask", "point"}
