"""Checks of search, objectives and constraints against the rest of a sweep's file."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator, Mapping, Sequence

from causalmer_core.basics.errors import KeyPath
from results.records.confirmation_rules import AllRule, ConfirmationRule
from sweeps.space.parameters import FloatRange, IntRange, Parameter, Value
from sweeps.space.search_space import OutsideSpaceError, SearchSpace
from sweeps.spec.checks import rejection
from sweeps.spec.configurations import Configurations
from sweeps.spec.objective_section import ConstraintEntry, MeasureEntry, ObjectiveEntry
from sweeps.spec.problems import Problem, shown
from sweeps.spec.search_section import (
    GENETIC,
    LEARNING,
    NoScheduler,
    PatienceScheduler,
    Scheduler,
    SearchSection,
)
from sweeps.spec.sections import SelectionSection

_GENERATION = 50
"""The generation of Optuna's genetic samplers without `population`."""

Points = Sequence[Mapping[str, Value]]


def first_points(search: SearchSection, configurations: Configurations) -> list[dict[str, Value]]:
    """The first proposals: the paper's default, if it lies inside the space, then the listed points, each once.

    Raises:
        OutsideSpaceError: a listed point lies outside the space.
    """
    space, paper = configurations.space, configurations.paper
    default = space.default_point(paper) if search.paper_first else None
    found = [] if default is None else [default]
    for given in search.points:
        point = space.point(paper, given)
        if point not in found:
            found.append(point)
    return found


def search_problems(search: SearchSection, configurations: Configurations) -> list[Problem]:
    """The problems of a section `search` beside a valid space and a valid paper default."""
    if wrong_points := [*_point_problems(search, configurations)]:
        return wrong_points
    counts = _count_problems(search, first_points(search, configurations))
    return [*counts, *_sampler_problems(search, configurations.space), *_warm_start_problems(search)]


def _point_problems(search: SearchSection, configurations: Configurations) -> Iterator[Problem]:
    for index, given in enumerate(search.points):
        where = ("search", "points", index)
        try:
            point = configurations.space.point(configurations.paper, given)
        except OutsideSpaceError as error:
            value = shown(given[error.path]) if error.path in given else ""
            yield Problem((*where, error.path), error.what, value, error.allowed)
            continue
        message = rejection(configurations.base, point)
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


_ONE_NUMBER = "objectives has several entries, and "


def objective_problems(
    objectives: Sequence[ObjectiveEntry],
    constraints: Sequence[ConstraintEntry],
    monitor: str,
    search: SearchSection,
    scheduler: Scheduler,
    confirmation: ConfirmationRule,
    selection: SelectionSection,
    *,
    given: Collection[str],
) -> list[Problem]:
    """The problems of the sections `objectives` and `constraints` beside other sections that are valid by themselves.

    Args:
        objectives, constraints: the sections.
        monitor: the metric that ranks epochs.
        search, scheduler, confirmation, selection: these sections.
        given: the sections that the file has. A conflict with a section that it lacks is reported for `objectives`.
    """
    found = [*_first_problems(objectives, monitor)]
    found += [*_repeated("objectives", objectives), *_repeated("constraints", constraints)]
    if len(objectives) > 1:
        found += _single_number_problems(search, scheduler, confirmation, given)
    elif selection.rule == "knee":
        what = "chooses from the front of several objectives, of which there is one"
        allowed = "best_mean, or further entries in objectives"
        found.append(Problem(("selection", "rule"), what, "knee", allowed))
    return found


def _first_problems(objectives: Sequence[ObjectiveEntry], monitor: str) -> Iterator[Problem]:
    if objectives and objectives[0].metric != monitor:
        what = f"the first objective is not trainer.monitor, {monitor!r}, which chooses the best epoch"
        allowed = f"{{metric: {monitor}}} first, or another base.trainer.monitor"
        yield Problem(("objectives", 0), what, shown(objectives[0].model_dump()), allowed)


def _repeated(section: str, measures: Sequence[MeasureEntry]) -> Iterator[Problem]:
    seen = set()
    for number, measure in enumerate(measures):
        if measure.column in seen:
            given = shown(measure.model_dump())
            yield Problem((section, number), "repeats a measure", given, "each measure once")
        seen.add(measure.column)


def _single_number_problems(
    search: SearchSection, scheduler: Scheduler, confirmation: ConfirmationRule, given: Collection[str]
) -> Iterator[Problem]:
    """The sections that compare configurations by one number."""
    if search.sampler == "cmaes":
        what = _ONE_NUMBER + "the sampler 'cmaes' learns one"
        allowed = "tpe, gp, nsga2, nsga3, or one that does not learn"
        yield Problem(("search", "sampler"), what, "cmaes", allowed)
    if not isinstance(scheduler, NoScheduler | PatienceScheduler):
        where: KeyPath = ("scheduler",) if "scheduler" in given else ("objectives",)
        what = _ONE_NUMBER + "the scheduler prunes by the first alone, cheap and robust configurations too"
        yield Problem(where, what, scheduler.name, "scheduler: {name: none}, or {name: patience}")
    if not isinstance(confirmation, AllRule):
        where = ("confirmation",) if "confirmation" in given else ("objectives",)
        what = _ONE_NUMBER + "the race eliminates configurations by the first alone"
        yield Problem(where, what, confirmation.name, "confirmation: {name: all}")
