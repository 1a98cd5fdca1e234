"""What the search found, of complete sets of its seeds: a seed that failed makes a set incomplete, never smaller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from causalmer_core.errors import UserError
from results.histories import RunHistory


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


def best_candidates(
    histories: Iterable[RunHistory], seeds: Sequence[int], top_k: int, *, higher_is_better: bool
) -> list[RunHistory]:
    """Of each of the search's best configurations, `top_k` at most, a run.

    The best comes first; ties go to the earlier proposal.

    Raises:
        UserError: no configuration finished on every search seed.
    """
    searched = searched_histories(histories)
    scores = finished_scores(searched, seeds)
    if not scores:
        raise UserError(
            "no configuration finished its search, so there is nothing to confirm; " + _ends(searched)
        )
    sign = -1.0 if higher_is_better else 1.0
    first = {history.key.config_id: history for history in reversed(searched)}
    order = sorted(scores, key=lambda config_id: (sign * scores[config_id], first[config_id].number or 0))
    return [first[config_id] for config_id in order[:top_k]]


def _ends(histories: Sequence[RunHistory]) -> str:
    """How runs ended, with the first reason."""
    if not histories:
        return "no run was started"
    reasons = [
        f"{h.key.stem} {h.state.value}: {h.reason.strip().splitlines()[-1]}" for h in histories if h.reason
    ]
    return f"{len(histories)} runs ended otherwise" + (f", the first as {reasons[0]}" if reasons else "")
