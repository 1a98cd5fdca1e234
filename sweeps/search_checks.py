"""Checks of how configurations are proposed, against the space, the paper's default and what is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence

from causalmer_core.config import RunConfig
from sweeps.parameters import FloatRange, IntRange, Parameter, Value
from sweeps.problems import Problem, shown
from sweeps.search_section import GENETIC, LEARNING, SearchSection
from sweeps.space import OutsideSpaceError, SearchSpace

_GENERATION = 50
"""The generation of Optuna's genetic samplers, unless `population` says otherwise."""

Points = Sequence[Mapping[str, Value]]


def first_points(search: SearchSection, space: SearchSpace, paper: RunConfig) -> list[dict[str, Value]]:
    """What is proposed first: the paper's default, where it lies inside the space, then the listed points, each once.

    Raises:
        OutsideSpaceError: a listed point lies outside the space.
    """
    default = space.default_point(paper) if search.paper_first else None
    found = [] if default is None else [default]
    for given in search.points:
        point = space.point(paper, given)
        if point not in found:
            found.append(point)
    return found


def search_problems(
    search: SearchSection,
    space: SearchSpace,
    paper: RunConfig,
    rejection: Callable[[Mapping[str, Value]], str | None],
) -> list[Problem]:
    """What is wrong with a section `search` beside a valid space and a valid paper default.

    Args:
        search: the section.
        space: bound to the fixed part.
        paper: the paper's default.
        rejection: why the configuration of a point is not valid, or none.
    """
    wrong_points = [*_point_problems(search, space, paper, rejection)]
    if wrong_points:
        return wrong_points
    first = first_points(search, space, paper)
    return [*_count_problems(search, first), *_sampler_problems(search, space), *_warm_start_problems(search)]


def _point_problems(
    search: SearchSection,
    space: SearchSpace,
    paper: RunConfig,
    rejection: Callable[[Mapping[str, Value]], str | None],
) -> Iterator[Problem]:
    for index, given in enumerate(search.points):
        where = ("search", "points", index)
        try:
            message = rejection(space.point(paper, given))
        except OutsideSpaceError as error:
            value = shown(given[error.path]) if error.path in given else ""
            yield Problem((*where, error.path), error.what, value, error.allowed)
            continue
        if message is not None:
            what = f"gives no valid configuration: {message}"
            yield Problem(where, what, shown(given), "values whose combination is valid")


def _count_problems(search: SearchSection, first: Points) -> Iterator[Problem]:
    if len(first) > search.num_configs and search.points:
        what = f"fewer than the {len(first)} points that are tried first"
        yield Problem(("search", "num_configs"), what, str(search.num_configs), f"{len(first)} or more")
    if search.sampler == "list" and not search.points:
        yield Problem(
            ("search", "points"), "is empty, and the sampler 'list' tries these alone", "", "a list of points"
        )


def _sampler_problems(search: SearchSection, space: SearchSpace) -> Iterator[Problem]:
    if search.sampler == "grid":
        yield from _continua(space)
    if search.sampler == "cmaes":
        yield from _cmaes_problems(space)
    generation = search.population or _GENERATION
    if search.sampler in GENETIC and generation >= search.num_configs:
        what = f"all {search.num_configs} proposals belong to the first generation of {generation}, which is random"
        allowed = (
            f"a search.population below {search.num_configs}, or a search.num_configs above {generation}"
        )
        yield Problem(("search", "sampler"), what, search.sampler, allowed)
    if search.population is not None and search.sampler not in (*GENETIC, "cmaes"):
        what = f"the sampler {search.sampler!r} has no generations"
        yield Problem(
            ("search", "population"), what, str(search.population), "cmaes, nsga2, nsga3, or no population"
        )


def _continua(space: SearchSpace) -> Iterator[Problem]:
    for path in space.searched_paths:
        entry = space[path]
        if entry.count() is None:
            what = "a continuum, of which the sampler 'grid' cannot try every value"
            allowed = "a step, a choice of values, or another sampler"
            yield Problem(("space", path), what, entry.described(), allowed)


def _cmaes_problems(space: SearchSpace) -> Iterator[Problem]:
    where = ("search", "sampler")
    if importlib.util.find_spec("cmaes") is None:
        what = "needs the package 'cmaes', which is not installed"
        yield Problem(where, what, "cmaes", "pip install 'causalmer[cmaes]', or another sampler")
    numbers = [path for path in space.searched_paths if _is_learnt_by_cmaes(space[path])]
    if len(numbers) < 2:
        what = f"learns unconditional numbers, of which the space has {len(numbers)}"
        yield Problem(
            where, what, "cmaes", "two or more ranges (float, int) without conditions, or another sampler"
        )


def _is_learnt_by_cmaes(entry: object) -> bool:
    numeric = isinstance(entry, FloatRange | IntRange)
    return numeric and isinstance(entry, Parameter) and not entry.when and entry.count() != 1


def _warm_start_problems(search: SearchSection) -> Iterator[Problem]:
    if search.warm_start is not None and search.sampler not in LEARNING:
        what = f"the sampler {search.sampler!r} learns from no results"
        allowed = f"one of {', '.join(LEARNING)}, or no warm start"
        yield Problem(("search", "warm_start"), what, search.warm_start.sweep, allowed)
