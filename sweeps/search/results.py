"""What the search found, of complete sets of its seeds: a seed that failed makes a set incomplete, never smaller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from causalmer_core.basics.errors import UserError
from results.ranking.configuration_runs import mean_objective_values, objective_values
from results.records.histories import RunHistory
from results.records.objectives import Goals, ObjectiveValues
from results.statistics.pareto import fronts


def searched_histories(histories: Iterable[RunHistory]) -> list[RunHistory]:
    """The runs of the search, ordered by their configurations' numbers and by seed."""
    found = [history for history in histories if history.phase == "search"]
    return sorted(found, key=lambda history: (history.number or 0, history.key))


def finished_scores(histories: Iterable[RunHistory], seeds: Sequence[int]) -> dict[str, float]:
    """The mean score over the search seeds, by configuration, of those that finished on all of them."""
    scores: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for history in searched_histories(histories):
        if history.key.seed in seeds and history.final_score is not None:
            scores[history.key.config_id][history.key.seed] = history.final_score
    return {
        config_id: sum(found.values()) / len(found)
        for config_id, found in scores.items()
        if len(found) == len(seeds)
    }


@dataclass(frozen=True, slots=True)
class Found:
    """A configuration that finished on all seeds of the search.

    Attributes:
        run: the first of its runs.
        score: the mean over the seeds.
        measured: likewise, by measure.
    """

    run: RunHistory
    score: float
    measured: ObjectiveValues


def ranked_candidates(
    histories: Iterable[RunHistory], seeds: Sequence[int], goals: Goals, *, higher_is_better: bool
) -> list[Found]:
    """What the search found and measured whole, the best first.

    First those that violate no constraint, by the number of their front among these where there are several objectives
    (`results.statistics.pareto`), and by score; then the others, by how far they violate them. Ties go to the earlier proposal.
    """
    found = _finished(searched_histories(histories), seeds, goals)
    whole = [each for each in found if goals.are_measured(each.measured)]
    within = [each for each in whole if not goals.violated(each.measured)]
    numbers = [1] * len(within)
    if goals.is_multi_objective:
        numbers = fronts([goals.values(each.measured) for each in within], goals.directions)
    front = {each.run.key.config_id: number for each, number in zip(within, numbers, strict=True)}
    sign = -1.0 if higher_is_better else 1.0

    def order(each: Found) -> tuple[float, float, float, int]:
        place = front.get(each.run.key.config_id, len(whole) + 1)
        return place, goals.violation(each.measured), sign * each.score, each.run.number or 0

    return sorted(whole, key=order)


def _finished(searched: Sequence[RunHistory], seeds: Sequence[int], goals: Goals) -> list[Found]:
    runs: defaultdict[str, list[RunHistory]] = defaultdict(list)
    for history in searched:
        if history.key.seed in seeds:
            runs[history.key.config_id].append(history)
    return [
        Found(
            run=runs[config_id][0],
            score=score,
            measured=mean_objective_values(
                [objective_values(history, goals.measures) for history in runs[config_id]]
            ),
        )
        for config_id, score in finished_scores(searched, seeds).items()
    ]


def best_candidates(
    histories: Iterable[RunHistory],
    seeds: Sequence[int],
    top_k: int,
    *,
    higher_is_better: bool,
    goals: Goals = Goals(),  # noqa: B008 - frozen
) -> list[RunHistory]:
    """Of each of the search's best configurations, `top_k` at most, a run, in the order of `ranked_candidates`.

    One that violates a constraint is among them only where all do.

    Raises:
        UserError: no configuration finished on every search seed.
    """
    searched = searched_histories(histories)
    found = ranked_candidates(searched, seeds, goals, higher_is_better=higher_is_better)
    if not found:
        raise UserError(
            "no configuration finished its search, so there is nothing to confirm; " + _ends(searched)
        )
    within = [each for each in found if not goals.violated(each.measured)]
    return [each.run for each in (within or found)[:top_k]]


def _ends(histories: Sequence[RunHistory]) -> str:
    """How runs ended, with the first reason."""
    if not histories:
        return "no run was started"
    reasons = [f"{history.key.stem} {history.ended_as}" for history in histories if history.reason]
    return f"{len(histories)} runs ended otherwise" + (f", the first as {reasons[0]}" if reasons else "")
