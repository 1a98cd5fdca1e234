"""What the search found, over complete sets of its seeds.

A seed that failed makes a set incomplete. It never makes a mean smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from causalmer_core.basics.errors import UserError
from results.ranking.configuration_runs import ConfigurationRuns, of_histories
from results.records.histories import RunHistory
from results.records.objectives import Objectives, ObjectiveValues
from results.statistics.pareto import fronts


def searched_histories(histories: Iterable[RunHistory]) -> list[RunHistory]:
    """The runs of the search, ordered by the numbers of their proposals and by seed."""
    found = [history for history in histories if history.phase == "search"]
    return sorted(found, key=lambda history: (history.number or 0, history.key))


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate that finished on all seeds of the search.

    Attributes:
        config_id, number: the configuration and its proposal.
        score: the mean over the seeds.
        values: the mean objective values over the seeds.
    """

    config_id: str
    number: int
    score: float
    values: ObjectiveValues


def ranked_candidates(
    found: Mapping[str, ConfigurationRuns], seeds: Sequence[int], objectives: Objectives
) -> list[Found]:
    """The candidates with all objective values on all search seeds, the best first.

    Candidates within all constraints come first, by the number of their Pareto front where there are several objectives
    (see `results.statistics.pareto`), then by score. The others follow, by how far they violate constraints. Ties go to
    the earlier proposal.
    """
    finished = [
        Found(each.config_id, each.number or 0, score, each.mean_values(seeds))
        for each in found.values()
        if each.is_candidate and (score := each.mean_score(seeds)) is not None
    ]
    whole = [each for each in finished if objectives.are_measured(each.values)]
    within = [each for each in whole if not objectives.violated(each.values)]
    numbers = [1] * len(within)
    if objectives.is_multi_objective:
        numbers = fronts([objectives.values(each.values) for each in within], objectives.directions)
    front = {each.config_id: number for each, number in zip(within, numbers, strict=True)}

    def order(each: Found) -> tuple[float, float, float, int]:
        place = front.get(each.config_id, len(whole) + 1)
        return place, objectives.violation(each.values), -objectives.oriented(each.score), each.number

    return sorted(whole, key=order)


def best_candidates(
    histories: Sequence[RunHistory], seeds: Sequence[int], objectives: Objectives, top_k: int
) -> list[RunHistory]:
    """One run of each of the best `top_k` candidates at most, in the order of `ranked_candidates`.

    A candidate that violates a constraint is among them only where all do.

    Raises:
        UserError: no configuration finished on every search seed.
    """
    searched = searched_histories(histories)
    ranked = ranked_candidates(of_histories(searched, objectives.measures), seeds, objectives)
    if not ranked:
        raise UserError(
            f"no configuration finished its search, so there is nothing to confirm; {_ends(searched)}"
        )
    within = [each for each in ranked if not objectives.violated(each.values)]
    first = {history.key.config_id: history for history in reversed(searched)}
    return [first[each.config_id] for each in (within or ranked)[:top_k]]


def _ends(histories: Sequence[RunHistory]) -> str:
    """How runs ended, with the first reason."""
    if not histories:
        return "no run was started"
    reasons = [f"{history.key.stem} {history.ended_as}" for history in histories if history.reason]
    return f"{len(histories)} runs ended otherwise" + (f", the first as {reasons[0]}" if reasons else "")
