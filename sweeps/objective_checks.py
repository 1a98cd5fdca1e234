"""Checks of objectives and constraints against the rest of a sweep's file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from causalmer_core.errors import KeyPath
from results.confirmation_rules import AllRule, ConfirmationRule
from sweeps.objectives import Constraint, Measure, Objective
from sweeps.problems import Problem, shown
from sweeps.schedulers import NoScheduler, PatienceScheduler, Scheduler
from sweeps.search_section import SearchSection
from sweeps.sections import SelectionSection

_ONE_NUMBER = "objectives has several entries, and "


def objective_problems(
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    monitor: str,
    search: SearchSection,
    scheduler: Scheduler,
    confirmation: ConfirmationRule,
    selection: SelectionSection,
    *,
    given: Collection[str],
) -> list[Problem]:
    """What is wrong with the sections `objectives` and `constraints` beside others that are right by themselves.

    Args:
        objectives, constraints: the sections.
        monitor: the metric by which epochs are ranked.
        search, scheduler, confirmation, selection: these sections.
        given: the sections that the file has; a default is blamed on what it does not go with.
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


def _first_problems(objectives: Sequence[Objective], monitor: str) -> Iterator[Problem]:
    if objectives and objectives[0].metric != monitor:
        what = f"the first objective is not trainer.monitor, {monitor!r}, by which the best epoch is chosen"
        allowed = f"{{metric: {monitor}}} first, or another base.trainer.monitor"
        yield Problem(("objectives", 0), what, shown(objectives[0].model_dump()), allowed)


def _repeated(section: str, measures: Sequence[Measure]) -> Iterator[Problem]:
    seen = set()
    for number, measure in enumerate(measures):
        if measure.column in seen:
            given = shown(measure.model_dump())
            yield Problem((section, number), "a measure stands twice", given, "each measure once")
        seen.add(measure.column)


def _single_number_problems(
    search: SearchSection, scheduler: Scheduler, confirmation: ConfirmationRule, given: Collection[str]
) -> Iterator[Problem]:
    """What needs one number to compare by."""
    if search.sampler == "cmaes":
        what = _ONE_NUMBER + "the sampler 'cmaes' learns one"
        allowed = "tpe, gp, nsga2, nsga3, or one that does not learn"
        yield Problem(("search", "sampler"), what, "cmaes", allowed)
    if not isinstance(scheduler, NoScheduler | PatienceScheduler):
        where: KeyPath = ("scheduler",) if "scheduler" in given else ("objectives",)
        what = _ONE_NUMBER + "the scheduler cuts by the first alone, cheap and robust configurations too"
        yield Problem(where, what, scheduler.name, "scheduler: {name: none}, or {name: patience}")
    if not isinstance(confirmation, AllRule):
        where = ("confirmation",) if "confirmation" in given else ("objectives",)
        what = _ONE_NUMBER + "those that race leave by the first alone"
        yield Problem(where, what, confirmation.name, "confirmation: {name: all}")
