"""Selection: a named rule chooses one configuration, from validation records alone, and says why.

Every rule chooses among the configurations with complete seed sets that violate no constraint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field, ValidationError

from causalmer_core.errors import UserError, unknown_name
from causalmer_core.frozen import Frozen
from results.dataset import SweepResults
from results.files import write_text
from results.intervals import Interval, PairedDifference, paired_difference
from results.journal import now
from results.layout import SweepLayout
from results.leaderboard import Entry, Leaderboard, leaderboard, seen_columns
from results.manifest import Manifest
from results.selection_rules import RULES, Rule


class FrontPoint(Frozen):
    """A configuration on the Pareto front, with the means of the objectives over its ranking seeds."""

    config_id: str
    number: int | None
    values: dict[str, float]


class RunnerUp(Frozen):
    """The next best configuration, and how far behind it is on the seeds that both share."""

    config_id: str
    number: int | None
    mean: float
    difference: Interval
    """Selected minus runner-up, in the metric's own direction."""
    p_value: float | None


class Selection(Frozen):
    """The selected configuration and the reasons.

    `interval` is of the mean validation score over `scores`, one a ranking seed, and `search_mean` what the search had
    seen. `confirmed` is over seeds that no selection saw, once the runs have finished; `optimism` is how much better
    `interval` was than that, and `search_optimism` how much better `search_mean` was (positive: overstated). A sweep
    without such seeds has only `search_optimism`, over its confirm seeds. `measured` are the means over the ranking
    seeds of what objectives and constraints are about, and `front` is the Pareto front that the configuration was
    chosen from or among, of sweeps with several objectives.
    """

    sweep_id: str
    rule: str
    columns: tuple[str, ...]
    """The columns of the runs table that the rule saw."""
    config_id: str
    number: int | None
    config: dict[str, Any]
    metric: str
    direction: str
    interval: Interval
    scores: dict[int, float]
    search_mean: float | None
    confirmed: Interval | None = None
    optimism: float | None = None
    search_optimism: float | None = None
    runner_up: RunnerUp | None
    measured: dict[str, float] = Field(default_factory=dict)
    front: tuple[FrontPoint, ...] = ()
    reasons: tuple[str, ...]
    selected_at: str
    """UTC, ISO 8601."""


def select(results: SweepResults, rule: str = "best_mean") -> Selection:
    """Choose a configuration by a named rule and write the choice to the sweep's folder.

    Raises:
        UserError: the rule is unknown, or no candidate finished on every ranking seed.
    """
    chosen = choose(results, rule)
    write_text(results.layout.selection, chosen.model_dump_json(indent=2) + "\n")
    return chosen


def current_selection(results: SweepResults, rule: str = "best_mean") -> Selection:
    """The sweep's selection, made again where the records it follows from have changed since.

    Raises:
        UserError: as `select`, and `read_selection`.
    """
    before, chosen = read_selection(results.layout), choose(results, rule)
    if before is not None and _without_time(before) == _without_time(chosen):
        return before
    write_text(results.layout.selection, chosen.model_dump_json(indent=2) + "\n")
    return chosen


def _without_time(selection: Selection) -> str:
    return selection.model_dump_json(exclude={"selected_at"})  # as text, in which NaN equals NaN


def choose(results: SweepResults, rule: str = "best_mean") -> Selection:
    """As `select`, without writing.

    Raises:
        UserError: as `select`.
    """
    if rule not in RULES:
        raise unknown_name("selection rule", rule, RULES)
    named = RULES[rule]
    columns = tuple(dict.fromkeys((*named.columns, *seen_columns(results.manifest))))
    board = leaderboard(results.runs[list(columns)], results.manifest)
    if not any(entry.selectable for entry in board.ranked):
        raise _nothing_to_select(board)
    entry = named.choose(board)
    interval = _interval(entry)
    runner_up = _runner_up(entry, board)
    fresh = _fresh(entry, results.manifest)
    config = results.runs.loc[results.runs["config_id"] == entry.config_id, "config_json"].iloc[0]
    return Selection(
        sweep_id=results.manifest.sweep_id,
        rule=named.name,
        columns=columns,
        config_id=entry.config_id,
        number=entry.number,
        config=json.loads(config),
        metric=board.metric,
        direction=board.direction,
        interval=interval,
        scores=dict(entry.scores),
        search_mean=entry.search_mean,
        confirmed=entry.fresh_interval,
        optimism=_beyond(interval.mean, entry.fresh_interval, board),
        search_optimism=_beyond(entry.search_mean, fresh, board),
        runner_up=runner_up,
        measured=dict(entry.measured),
        front=_front(board),
        reasons=_reasons(named, entry, board, runner_up, fresh),
        selected_at=now(),
    )


def read_selection(layout: SweepLayout) -> Selection | None:
    """The sweep's selection; none where nothing was selected yet.

    Raises:
        UserError: the file is not a selection that this version reads.
    """
    if not layout.selection.exists():
        return None
    try:
        return Selection.model_validate_json(layout.selection.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise UserError(f"{layout.selection} is not a selection that this version reads: {error}") from error


def _front(board: Leaderboard) -> tuple[FrontPoint, ...]:
    if not board.goals.several:
        return ()
    measures = [objective.measure for objective in board.goals.objectives]
    return tuple(
        FrontPoint(
            config_id=entry.config_id,
            number=entry.number,
            values={measure: entry.measured[measure] for measure in measures},
        )
        for entry in board.front
    )


def _interval(entry: Entry) -> Interval:
    if entry.interval is None:
        raise ValueError(f"configuration {entry.config_id} has no complete set of seeds")
    return entry.interval


def _runner_up(entry: Entry, board: Leaderboard) -> RunnerUp | None:
    behind = (e for e in (*board.ranked, *board.left) if e.interval and e.config_id != entry.config_id)
    second = next(behind, None)
    if second is None:
        return None
    difference: PairedDifference = paired_difference(entry.scores, second.scores)
    return RunnerUp(
        config_id=second.config_id,
        number=second.number,
        mean=_interval(second).mean,
        difference=difference.interval,
        p_value=difference.p_value,
    )


def _fresh(entry: Entry, manifest: Manifest) -> Interval | None:
    """The mean over seeds that had no part in what chose the entry: at best none of the choices, else not the search's;
    none where there are none, or where these runs have not finished.
    """
    if manifest.evaluate_seeds or manifest.search_ranks or not manifest.confirm_seeds:
        return entry.fresh_interval
    return entry.interval


def _beyond(score: float | None, fresh: Interval | None, board: Leaderboard) -> float | None:
    """How much better a score is than the mean over fresh seeds."""
    if score is None or fresh is None:
        return None
    return score - fresh.mean if board.direction == "max" else fresh.mean - score


def _reasons(
    rule: Rule, entry: Entry, board: Leaderboard, runner_up: RunnerUp | None, fresh: Interval | None
) -> tuple[str, ...]:
    seeds = ", ".join(map(str, entry.scores))
    better = "higher" if board.direction == "max" else "lower"
    reasons = [
        f"rule {rule.name}: {rule.description}; it saw validation records only",
        f"configuration {entry.label} ({entry.config_id}) has validation {board.metric} {entry.interval} "
        f"over seeds {seeds} ({better} is better)",
        f"{_count(len(board.ranked), 'candidate')} with complete seed sets compared, {_left(board)}"
        f"{len(board.incomplete)} left out as incomplete, {len(board.unconfirmed)} not confirmed",
        *_goal_reasons(entry, board),
    ]
    if runner_up is None:
        reasons.append("there is no runner-up")
    else:
        label = f"#{runner_up.number}" if runner_up.number is not None else runner_up.config_id
        p_value = "" if runner_up.p_value is None else f", sign-flip p = {runner_up.p_value:.3g}"
        reasons.append(f"selected minus runner-up {label} on the same seeds: {runner_up.difference}{p_value}")
    if entry.fresh_interval is not None:
        unseen = ", ".join(map(str, entry.fresh_scores))
        reasons.append(f"over seeds {unseen}, which no selection saw, it has {entry.fresh_interval}")
        reasons.append(_overstated("the selection", _interval(entry).mean, entry.fresh_interval, board))
    if fresh is not None and entry.search_mean is not None:
        reasons.append(_overstated("the search", entry.search_mean, fresh, board))
    return tuple(reasons)


def _goal_reasons(entry: Entry, board: Leaderboard) -> Iterator[str]:
    """What the objectives and constraints have to do with it; nothing where there are none."""
    if board.goals.several:
        names = ", ".join(each.label for each in board.front)
        yield f"the Pareto front over {_and(o.measure for o in board.goals.objectives)} holds {names}"
    if entry.measured:
        values = ", ".join(f"{measure} {value:.6g}" for measure, value in entry.measured.items())
        yield f"means of the selected one: {values}"
    for other in board.infeasible:
        yield f"{other.label} is not selectable: {_and(other.broken)}"


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _overstated(who: str, score: float, fresh: Interval, board: Leaderboard) -> str:
    gap = _beyond(score, fresh, board) or 0.0
    return f"{who} had {'overstated' if gap > 0 else 'understated'} it by {abs(gap):.4f}"


def _left(board: Leaderboard) -> str:
    return f"{len(board.left)} left the confirmation before, " if board.left else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _nothing_to_select(board: Leaderboard) -> UserError:
    if board.infeasible:
        worst = "; ".join(f"{entry.label}: {_and(entry.broken)}" for entry in board.infeasible[:5])
        return UserError(
            f"every configuration with a complete seed set violates a constraint ({worst}), so none can be selected; "
            "all of it is on record: give the sweep another name with wider constraints, and it takes the runs over"
        )
    needed = ", ".join(map(str, board.seeds))
    gaps = [
        f"{entry.label} lacks " + ", ".join(f"seed {seed} ({why})" for seed, why in entry.missing.items())
        for entry in board.incomplete
        if "candidate" in entry.roles
    ]
    found = "; ".join(gaps[:5]) if gaps else "no candidate was started on them"
    return UserError(
        f"no configuration finished on every ranking seed ({needed}): {found}. "
        "A mean over fewer seeds is not compared; continue the sweep with 'causalmer resume'"
    )
