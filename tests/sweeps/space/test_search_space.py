"""The search space proposes what its file says, and refuses what cannot be."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from causalmer_core.config.run_config import RunConfig
from sweeps.space.entries import Reference
from sweeps.space.parameters import Choice, FloatRange, IntRange
from sweeps.space.search_space import OutsideSpaceError, SearchSpace

MOSI = {
    "loss.beta": {"float": [0.1, 3.0], "log": True, "when": {"model.fusion": ["sum", "hm", "mask"]}},
    "model.fusion": {"choice": ["sum", "hm", "tanh", "mask"]},
    "loss.alpha": {"float": [0.01, 1.0], "log": True},
    "model.backbone.layers": {"int": [1, 3]},
    "model.backbone.attn_dropout": {"float": [0.0, 0.4], "step": 0.1},
}


def space_of(tree: Any) -> SearchSpace:
    return SearchSpace.model_validate_json(json.dumps(tree))


def refusal(tree: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        space_of(tree)
    return "\n".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors())


def draws(space: SearchSpace, seed: int, number: int) -> list[dict[str, Any]]:
    generator = np.random.default_rng(seed)
    return [space.values(lambda _, entry: entry.at(generator.random())) for _ in range(number)]


def beside(space: SearchSpace, picked: dict[str, Any]) -> dict[str, Any]:
    """The values of the space where the searched parameters have the picked values."""
    return space.values(lambda path, _: picked[path])


def numbers() -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=2, unique=True).map(sorted)
    plain = st.builds(lambda b, log: {"float": b, "log": log}, bounds, st.booleans())
    stepped = st.builds(
        lambda low, steps, step: {"float": [low / 10, (low + steps * step) / 10], "step": step / 10},
        st.integers(-50, 50),
        st.integers(1, 20),
        st.integers(1, 7),
    )
    return plain | stepped


def whole_numbers() -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.lists(st.integers(1, 40), min_size=2, max_size=2).map(sorted)
    plain = st.builds(lambda b, log: {"int": b, "log": log}, bounds, st.booleans())
    stepped = st.builds(
        lambda low, width, step: {"int": [low, low + width], "step": min(step, width)},
        st.integers(-20, 20),
        st.integers(1, 20),
        st.integers(1, 7),
    )
    return plain | stepped


def choices() -> st.SearchStrategy[dict[str, Any]]:
    kinds = (st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=4))
    lists = st.one_of(*(st.lists(kind, min_size=1, max_size=4, unique=True) for kind in kinds))
    return lists.map(lambda options: {"choice": options})


@st.composite
def spaces(draw: st.DrawFn, parameters: st.SearchStrategy[dict[str, Any]]) -> SearchSpace:
    """Spaces of up to six parameters, each conditional on some of those before it."""
    tree: dict[str, Any] = {}
    names: list[str] = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True))
    for name in names:
        tree[name] = dict(draw(parameters))
        parents = [other for other in tree if other != name and "float" not in tree[other]]
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            values = space_of({parent: {k: v for k, v in tree[parent].items() if k != "when"}})[parent]
            allowed = draw(st.sets(st.sampled_from(options(values)), min_size=1))
            tree[name]["when"] = {parent: sorted(allowed, key=str)}
    return space_of(tree)


def options(parameter: Any) -> list[Any]:
    if isinstance(parameter, IntRange):
        return list(parameter.values())
    return list(parameter.options)


@st.composite
def spaces_with_fixed_values(draw: st.DrawFn) -> SearchSpace:
    """A space with a constant, a conditional constant, and references to each number in it and to a reference."""
    drawn = draw(spaces(numbers() | whole_numbers() | choices()))
    tree = drawn.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    tree["constant"] = {
        "constant": draw(st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=4))
    }
    choosing = [path for path, entry in drawn.root.items() if not isinstance(entry, FloatRange)]
    if choosing:
        parent = draw(st.sampled_from(choosing))
        tree["sometimes"] = {"constant": 1, "when": {parent: [options(drawn[parent])[0]]}}
    for path in drawn.paths:
        is_number = drawn.column_types()[path] in ("int", "float")
        times = draw(st.none() | st.integers(1, 9) | st.floats(0.25, 4)) if is_number else None
        tree[f"like.{path}"] = {"same_as": path, "times": times}
        tree[f"again.{path}"] = {"same_as": f"like.{path}"}
    return space_of(tree)


@settings(max_examples=60, deadline=None)
@given(spaces_with_fixed_values(), st.integers(0, 10))
def test_references_equal_what_they_follow_and_are_present_beside_it_alone(
    space: SearchSpace, seed: int
) -> None:
    types = {"float": float, "int": int, "bool": bool, "string": str}
    columns = space.column_types()
    for values in draws(space, seed, 3):
        assert all(type(value) is types[columns[path]] for path, value in values.items())
        assert values["constant"] == space["constant"].corners()[0]  # type: ignore[union-attr]
        for path in space.searched_paths:
            assert (f"like.{path}" in values) == (f"again.{path}" in values) == (path in values)
            if path in values:
                reference = space[f"like.{path}"]
                assert isinstance(reference, Reference)
                factor = 1 if reference.times is None else reference.times
                if isinstance(values[path], str | bool):
                    assert values[f"like.{path}"] == values[path]
                else:
                    assert values[f"like.{path}"] == pytest.approx(values[path] * factor, rel=1e-12)
                assert values[f"again.{path}"] == values[f"like.{path}"]


@settings(max_examples=40, deadline=None)
@given(spaces_with_fixed_values())
def test_constants_and_references_add_no_configuration(space: SearchSpace) -> None:
    fixed = set(space.paths) - set(space.searched_paths)
    alone = {path: entry for path, entry in space.root.items() if path not in fixed}
    assert space.size() == SearchSpace(alone).size()


@settings(max_examples=60, deadline=None)
@given(spaces(whole_numbers() | choices()))
def test_a_grid_is_every_configuration_once_in_order(space: SearchSpace) -> None:
    assume((space.size() or 0) <= 2000)
    grid = list(space.grid())
    assert len(grid) == space.size() == len({json.dumps(point) for point in grid})
    last = space.paths[-1]
    assert all(beside(space, point) == point for point in grid)
    if all(last in point for point in grid):  # the last parameter varies fastest, through its values in order
        steps = options(space[last])
        assert [point[last] for point in grid] == steps * (len(grid) // len(steps))


def test_a_reference_to_the_fixed_part_is_the_value_that_stands_there() -> None:
    space = space_of(
        {
            "loss.beta": {"same_as": "loss.alpha", "times": 3},
            "model.backbone.layers": {"int": [1, 3]},
            "model.backbone.memory_layers": {"same_as": "model.backbone.layers", "times": 2},
        }
    ).bound(RunConfig())
    assert draws(space, 0, 1)[0]["loss.beta"] == 0.3  # 0.1 times 3 in decimals
    assert all(
        v["model.backbone.memory_layers"] == 2 * v["model.backbone.layers"] for v in draws(space, 0, 9)
    )
    assert space.column_types()["model.backbone.memory_layers"] == "int"
    assert space.size() == 3


def test_a_whole_factor_keeps_whole_numbers_whole_and_another_one_does_not() -> None:
    tree = {"a": {"int": [2, 4]}, "b": {"same_as": "a", "times": 2}, "c": {"same_as": "a", "times": 2.0}}
    assert space_of(tree).column_types() == {"a": "int", "b": "int", "c": "float"}
    values = draws(space_of(tree), 0, 1)[0]
    assert (type(values["b"]), type(values["c"])) == (int, float)


def test_a_point_is_completed_by_a_configuration_and_by_what_follows() -> None:
    space = space_of(
        {**MOSI, "loss.gamma": {"same_as": "loss.alpha", "times": 2}, "trainer.max_epochs": {"constant": 50}}
    )
    config = RunConfig().with_values({"model.backbone.layers": 2})
    assert space.point(config, {"loss.alpha": 0.25}) == {
        "model.fusion": "mask",
        "loss.alpha": 0.25,
        "loss.beta": 1.0,
        "loss.gamma": 0.5,
        "model.backbone.layers": 2,
        "model.backbone.attn_dropout": 0.2,
        "trainer.max_epochs": 50,
    }
    fits = config.with_values({"trainer.max_epochs": 50})
    assert space.default_point(fits) is None, "nothing of the configuration is twice loss.alpha"
    tied = space_of(
        {path: entry for path, entry in space.model_dump(by_alias=True).items() if path != "loss.gamma"}
    )
    assert tied.default_point(fits) is not None
    assert tied.default_point(config.with_values({"trainer.max_epochs": 8})) is None
    with pytest.raises(
        OutsideSpaceError, match=r"loss\.alpha: lies outside the space, where nothing is given: 9"
    ):
        space.point(config.with_values({"loss.alpha": 9.0}), {})


@settings(max_examples=60, deadline=None)
@given(spaces(numbers() | whole_numbers() | choices()), st.integers(0, 10))
def test_every_draw_lies_within_the_space_and_conditions_are_respected(space: SearchSpace, seed: int) -> None:
    for values in draws(space, seed, 3):
        for path, parameter in space.root.items():
            present = all(values.get(p, ...) in allowed for p, allowed in parameter.when.items())
            assert (path in values) == present
            if present:
                assert parameter.contains(values[path])
                assert parameter.canonical(values[path]) == values[path]


@settings(max_examples=60, deadline=None)
@given(spaces(numbers() | whole_numbers() | choices()), st.integers(0, 10))
def test_proposals_have_the_declared_column_types(space: SearchSpace, seed: int) -> None:
    types = {"float": float, "int": int, "bool": bool, "string": str}
    columns = space.column_types()
    for path, value in draws(space, seed, 1)[0].items():
        assert type(value) is types[columns[path]]


@settings(max_examples=60, deadline=None)
@given(spaces(whole_numbers() | choices()))
def test_size_counts_every_distinct_configuration(space: SearchSpace) -> None:
    grid = [options(space[path]) for path in space.paths]
    assume(math.prod(map(len, grid)) <= 2000)
    distinct = set()
    for point in itertools.product(*grid):
        full = dict(zip(space.paths, point, strict=True))
        distinct.add(tuple(sorted(beside(space, full).items())))
    assert space.size() == len(distinct)


def test_the_order_in_the_file_does_not_change_the_proposals() -> None:
    turned = dict(reversed(MOSI.items()))
    assert draws(space_of(MOSI), 3, 20) == draws(space_of(turned), 3, 20)


def test_parents_come_before_children_whatever_the_order_in_the_file() -> None:
    for order in itertools.permutations(MOSI):
        paths = space_of({path: MOSI[path] for path in order}).paths
        assert paths.index("model.fusion") < paths.index("loss.beta")


def test_a_conditional_parameter_is_absent_where_its_condition_does_not_hold() -> None:
    space = space_of(MOSI)
    values = {"model.fusion": "tanh", "loss.alpha": 0.5, "model.backbone.layers": 2}
    picked = {**values, "model.backbone.attn_dropout": 0.1, "loss.beta": 1.0}
    assert beside(space, picked) == {**values, "model.backbone.attn_dropout": 0.1}


def test_a_condition_on_an_absent_parameter_does_not_hold() -> None:
    space = space_of(
        {
            "a": {"choice": ["x", "y"]},
            "b": {"choice": [1, 2], "when": {"a": ["x"]}},
            "c": {"choice": [True, False], "when": {"b": [1]}},
        }
    )
    assert beside(space, {"a": "y", "b": 1, "c": True}) == {"a": "y"}
    assert space.size() == 1 + 1 + 2  # y; x2; x1 with c true or false


def test_stepped_values_are_the_decimals_a_person_would_write() -> None:
    parameter = FloatRange(bounds=(0.0, 0.4), step=0.1)
    assert [parameter.canonical(k * 0.1) for k in range(5)] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_a_step_that_misses_the_upper_bound_ends_below_it() -> None:
    assert FloatRange(bounds=(0.0, 1.0), step=0.3).corners() == (0.0, 0.9)
    assert IntRange(bounds=(1, 10), step=4).corners() == (1, 9)
    assert FloatRange(bounds=(0.0, 1.0), step=0.3).count() == 4
    space = space_of({"a": {"float": [0.0, 1.0], "step": 0.3}})
    assert {values["a"] for values in draws(space, 0, 60)} == {0.0, 0.3, 0.6, 0.9}


def test_a_continuum_has_no_size_and_an_empty_space_is_one_configuration() -> None:
    assert space_of(MOSI).size() is None
    assert space_of({}).size() == 1
    assert beside(space_of({}), {}) == {}
    assert space_of({"a": {"float": [0.5, 0.5]}}).size() == 1


def test_size_stays_quick_for_wide_spaces() -> None:
    wide: dict[str, Any] = {f"p{n}": {"int": [1, 1_000_000]} for n in range(40)}
    wide |= {f"q{n}": {"choice": [1, 2, 3], "when": {f"p{n}": [7]}} for n in range(40)}
    assert space_of(wide).size() == 1_000_002**40


def test_a_choice_of_one_is_a_constant() -> None:
    assert beside(space_of({"a": {"choice": [3]}}), {"a": 3}) == {"a": 3}


def test_types_in_choices_are_kept_apart_and_mixed_numbers_become_numbers() -> None:
    space = space_of({"a": {"choice": [0.5, 1]}, "b": {"choice": [1, 2]}, "c": {"choice": [True]}})
    assert space.column_types() == {"a": "float", "b": "int", "c": "bool"}
    assert not Choice(options=(1, 2)).contains(True)
    assert not Choice(options=(True,)).contains(1)
    assert Choice(options=(0.5, 1)).canonical(1) == 1.0


def test_the_default_point_holds_the_values_of_a_configuration_inside_the_space() -> None:
    space = space_of({**MOSI, "model.backbone.layers": {"int": [1, 5]}})
    assert space.default_point(RunConfig()) == {
        "model.fusion": "mask",
        "loss.alpha": 0.1,
        "loss.beta": 1.0,
        "model.backbone.layers": 5,
        "model.backbone.attn_dropout": 0.2,
    }
    tanh = RunConfig().with_values({"model.fusion": "tanh"})
    assert "loss.beta" not in (space.default_point(tanh) or {})


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("model.backbone.layers", {"int": [1, 3]}),
        ("model.backbone.attn_dropout", {"float": [0.1, 0.4], "step": 0.3}),
        ("model.fusion", {"choice": ["sum", "hm"]}),
        ("model.audio_branch.hidden_dim", {"int": [1, 3]}),
        ("model.backbone.memory_layers", {"int": [1, 3]}),
    ],
)
def test_there_is_no_default_point_where_a_value_lies_outside(path: str, parameter: Any) -> None:
    assert space_of({path: parameter}).default_point(RunConfig()) is None


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"float": [2, 1]}, "the lowest, 2.0, is above the highest, 1.0"),
        ({"int": [2, 1]}, "the lowest, 2, is above the highest, 1"),
        ({"float": [0, 1], "log": True}, "cannot start at 0"),
        ({"int": [0, 4], "log": True}, "cannot start at 0"),
        ({"float": [0, 1], "step": 0}, "greater than 0"),
        ({"int": [0, 1], "step": 0}, "greater than or equal to 1"),
        ({"float": [0, 1], "step": 1.5}, "larger than the range"),
        ({"int": [0, 3], "step": 4}, "larger than the range"),
        ({"float": [0.1, 1], "step": 0.1, "log": True}, "log and step exclude each other"),
        ({"int": [1, 9], "step": 2, "log": True}, "log and step exclude each other"),
        ({"float": [0, 1, 2]}, "at most 2"),
        ({"float": [0]}, "Field required"),
        ({"float": ["0", 1]}, "valid number"),
        ({"int": [1.5, 2]}, "valid integer"),
        ({"choice": []}, "nothing to choose from"),
        ({"choice": [1, 1.0]}, "an option is given twice"),
        ({"choice": ["a", 1]}, "different types"),
        ({"choice": [True, 1]}, "different types"),
        ({"choice": [None]}, "valid"),
        ({}, "not a parameter"),
        (3, "not a parameter"),
        ({"uniform": [0, 1]}, "not a parameter"),
    ],
)
def test_an_impossible_parameter_is_refused(parameter: Any, message: str) -> None:
    assert message in refusal({"a": parameter})


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"a": {"int": [1, 2], "when": {"b": [1]}}}, "'b' is not in the space"),
        ({"a": {"int": [1, 2], "when": {"a": [1]}}}, "circle: a depends on a"),
        (
            {"a": {"int": [1, 2], "when": {"b": [1]}}, "b": {"int": [1, 2], "when": {"a": [1]}}},
            "conditions form a circle",
        ),
        ({"a": {"int": [1, 2], "when": {"b": [3]}}, "b": {"int": [1, 2]}}, "never has such a value"),
        ({"a": {"int": [1, 2], "when": {"b": []}}, "b": {"int": [1, 2]}}, "never has such a value"),
        ({"a": {"int": [1, 2], "when": {"b": [1.0]}}, "b": {"float": [1, 2]}}, "is a range of numbers"),
        ({"a": {"same_as": "a"}}, "a reference to itself"),
        (
            {"a": {"same_as": "b"}, "b": {"same_as": "c", "times": 2}, "c": {"same_as": "a"}},
            "references form a circle: ",
        ),
        (
            {"a": {"int": [1, 2], "when": {"c": [1]}}, "c": {"choice": [1, 2], "when": {"d": [1]}}}
            | {"d": {"choice": [1], "when": {"a": [1]}}},
            "conditions form a circle: ",
        ),
        (
            {"a": {"choice": ["x"], "when": {"c": [1]}}, "c": {"same_as": "a"}},
            "'c' only follows 'a'",
        ),
        ({"a": {"choice": ["x", "y"]}, "b": {"same_as": "a", "times": 2}}, "'a' is not a number"),
        ({"a": {"constant": 3}, "b": {"int": [1, 2], "when": {"a": [4]}}}, "never has such a value"),
        (
            {
                "a": {"choice": [1, 2]},
                "b": {"choice": [1, 2], "when": {"a": [1]}},
                "c": {"choice": [1, 2], "when": {"a": [2], "b": [1]}},
            },
            "can never be present",
        ),
    ],
)
def test_impossible_conditions_are_refused(tree: Any, message: str) -> None:
    assert message in refusal(tree)


def test_all_unknown_conditions_are_reported_together() -> None:
    text = refusal({"a": {"int": [1, 2], "when": {"x": [1]}}, "b": {"int": [1, 2], "when": {"y": [1]}}})
    assert "'x' is not in the space" in text
    assert "'y' is not in the space" in text
