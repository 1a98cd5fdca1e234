"""Checks of base, space and paper default: do they give valid configurations of runs?"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from pydantic import ValidationError

from causalmer_core.basics.errors import KeyPath, did_you_mean
from causalmer_core.basics.validation import LARGEST_WHOLE
from causalmer_core.config.run_config import RunConfig, nested
from sweeps.space.entries import Reference
from sweeps.space.parameters import Value
from sweeps.space.search_space import SearchSpace
from sweeps.spec.configurations import (
    Configurations,
    leaves,
    nested_leaves,
    paper_default,
    variants_first,
    with_values,
)
from sweeps.spec.problems import Problem, problems_of, shown

SAMPLED_CONFIGURATIONS = 64
"""The number of random configurations of the space that are tried for invalid combinations."""

_FOLDS = "scores on different folds cannot be compared; give it in the section `data`"
NOT_SEARCHED = {
    "data.fingerprint": "it is computed from the data",
    "data.split": _FOLDS,
    "data.split.folds": _FOLDS,
    "data.split.group": _FOLDS,
    "trainer.monitor": "scores of different metrics cannot be compared",
}
"""Paths that no sweep may search or set by path, and the reasons."""


def number_problems(node: Any, path: KeyPath = ()) -> Iterator[Problem]:
    """The numbers of a file that no table holds exactly: not finite, or whole and too large."""
    if isinstance(node, dict | list):
        for key, below in node.items() if isinstance(node, dict) else enumerate(node):
            yield from number_problems(below, (*path, key))
    elif allowed := _storable_numbers(node):
        yield Problem(path, "out of range", shown(node), allowed)


def _storable_numbers(value: object) -> str:
    """The numbers that are allowed in place of this one; empty if the value is allowed, or is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return "finite numbers"
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        number = "a number that need not be whole may be larger, with a point: 1.0e18"
        return f"whole numbers from -{LARGEST_WHOLE} to {LARGEST_WHOLE} ({number})"
    return ""


def synthetic_problems(data: Any) -> list[Problem]:
    """The problems of the parameters of a synthetic data set."""
    given = data.get("synthetic") if isinstance(data, dict) else None
    if not isinstance(given, dict):
        return []
    from causalmer_core.datasets.synthetic import SyntheticConfig  # it imports torch, which takes seconds

    try:
        SyntheticConfig.model_validate_json(json.dumps(given))
    except ValidationError as error:
        return problems_of(error, SyntheticConfig, given, ("data", "synthetic"))
    return []


def base_problems(configurations: Configurations) -> list[Problem]:
    """The problems of a sweep's fixed part."""
    base = configurations.given
    data = base.get("data")
    for key in ("fingerprint", "split"):
        if isinstance(data, Mapping) and key in data:
            what = f"cannot be set here: {NOT_SEARCHED[f'data.{key}']}"
            return [Problem(("base", "data", key), what, shown(data[key]), "other keys")]
    try:
        _ = configurations.base
    except ValidationError as error:
        return problems_of(error, RunConfig, base, ("base",))
    return []


def space_problems(configurations: Configurations) -> list[Problem]:
    """The problems of a space beside a valid fixed part.

    Each parameter is tried alone at the ends of its range and at each option. If all are valid, random configurations
    of the whole space are tried for invalid combinations.
    """
    config = configurations.base
    if unknown := [*_reference_problems(config, configurations.unbound)]:
        return unknown
    space = configurations.space
    problems = [problem for path in space.paths for problem in _parameter_problems(config, space, path)]
    return problems or _combination_problems(config, space)


def paper_problems(configurations: Configurations) -> list[Problem]:
    """The problems of the overrides of the paper's default, beside a valid fixed part and a valid space."""
    forbidden = [path for path in nested_leaves(configurations.overrides) if path in NOT_SEARCHED]
    if forbidden:
        return [
            Problem(("paper_default", path), f"cannot be set: {NOT_SEARCHED[path]}", path, "other paths")
            for path in forbidden
        ]
    try:
        _ = configurations.paper
    except ValidationError as error:
        return [*_paper_culprits(configurations)] or [_whole_paper_problem(error)]
    return []


def _paper_culprits(configurations: Configurations) -> Iterator[Problem]:
    """The overrides that are invalid by themselves; nothing if only their combination is invalid."""
    paper, overrides = configurations.base, configurations.overrides
    with suppress(ValidationError):
        paper = paper_default(paper, configurations.space, {})
    for path in sorted(overrides, key=variants_first):
        try:
            paper = with_values(paper, {path: overrides[path]})
        except ValidationError as error:
            where = ("paper_default", path)
            if any(details["type"] == "extra_forbidden" for details in error.errors()):
                yield _unknown_path(paper, path, where)
            elif not any(details["type"] == "value_error" for details in error.errors()):
                found = problems_of(error, RunConfig, nested({path: overrides[path]}))[0]
                yield Problem(where, found.what, found.given, found.allowed)


def _whole_paper_problem(error: ValidationError) -> Problem:
    message = error.errors()[0]["msg"].removeprefix("Value error, ")
    what = f"searched values at their published defaults give no valid configuration: {message}"
    return Problem(("paper_default",), what, "", "values for them here that fit `base`")


def _reference_problems(config: RunConfig, space: SearchSpace) -> Iterator[Problem]:
    """References to paths that the fixed part lacks, and factors on values that are not numbers."""
    known = leaves(config)
    for path in space.paths:
        entry = space[path]
        if not isinstance(entry, Reference) or entry.same_as in space:
            continue
        value = known.get(entry.same_as)
        if entry.same_as not in known:
            problem = _unknown_path(config, entry.same_as, ("space", path, "same_as"))
            allowed = f"a searched path, or of the fixed part {problem.allowed}"
            yield Problem(problem.path, problem.what, problem.given, allowed)
        elif value is None or isinstance(value, list):
            allowed = "a path with text, a number or true/false"
            yield Problem(("space", path, "same_as"), "has no single value", entry.same_as, allowed)
        elif entry.times is not None and isinstance(value, str | bool):
            what = f"{entry.same_as!r} is not a number"
            yield Problem(("space", path, "times"), what, shown(entry.times), "a factor on numbers only")


def _parameter_problems(config: RunConfig, space: SearchSpace, path: str) -> Iterator[Problem]:
    where = ("space", path)
    if path in NOT_SEARCHED:
        yield Problem(where, f"cannot be searched: {NOT_SEARCHED[path]}", path, "other paths")
        return
    beside = {parent: values[0] for parent, values in space.requirements(path).items()}
    try:
        around = with_values(config, beside)
    except ValidationError:
        return  # the check of the parent reports it
    if path not in leaves(around):
        yield _unknown_path(around, path, where)
        return
    for value in space.corners(path):
        problem = _value_problem(around, path, value)
        if problem:
            yield problem
            return


def _value_problem(config: RunConfig, path: str, value: Value) -> Problem | None:
    where = ("space", path)
    if allowed := _storable_numbers(value):
        return Problem(where, "has a value out of range", shown(value), allowed)
    try:
        stored = with_values(config, {path: value}).value(path)
    except ValidationError as error:
        found = problems_of(error, RunConfig, nested({path: value}))[0]
        return Problem(
            where, f"{shown(value)} gives no valid configuration: {found.what}", shown(value), found.allowed
        )
    if isinstance(stored, float) and not isinstance(value, float):
        # Otherwise the column of this parameter would have different types in the tables of different sweeps.
        what = "whole numbers where the configuration has numbers"
        return Problem(where, what, shown(value), f"float: [low, high], or options such as {float(value)}")
    return None


def _combination_problems(config: RunConfig, space: SearchSpace) -> list[Problem]:
    generator = np.random.default_rng(0)
    for _ in range(SAMPLED_CONFIGURATIONS):
        values = space.values(lambda _, entry: entry.at(generator.random()))
        message = rejection(config, values)
        if message is None:
            continue
        values, message = _smallest_rejected(config, values, message)
        given = ", ".join(f"{path}: {value}" for path, value in values.items())
        what = f"a combination gives no valid configuration: {message}"
        where = ("space", next(iter(values))) if values else ("space",)
        return [Problem(where, what, given, "ranges whose combinations are all valid")]
    return []


def _smallest_rejected(
    config: RunConfig, values: Mapping[str, Value], message: str
) -> tuple[dict[str, Value], str]:
    """The combination without the values that do not contribute to its rejection."""
    smallest = dict(values)
    for path in values:
        fewer = {other: value for other, value in smallest.items() if other != path}
        without = rejection(config, fewer)
        if without is not None:
            smallest, message = fewer, without
    return smallest, message


def rejection(config: RunConfig, values: Mapping[str, Value]) -> str | None:
    """Why a configuration with these values is invalid; None: it is valid."""
    try:
        with_values(config, values)
    except ValidationError as error:
        return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
    return None


def _unknown_path(config: RunConfig, path: str, where: tuple[str, ...]) -> Problem:
    known = leaves(config)
    group = path
    while group and not any(other.startswith(f"{group}.") for other in known):
        group = group.rpartition(".")[0]
    below = sorted(
        {other.removeprefix(f"{group}.").partition(".")[0] for other in known if other.startswith(group)}
    )
    place = f"below {group!r}: " if group else ""
    if group == path:
        return Problem(where, "is a group of values", path, place + ", ".join(below))
    return Problem(where, "unknown path", path, f"{place}{', '.join(below)}{did_you_mean(path, known)}")
