"""Selection: a named rule chooses one configuration, from validation records alone, and says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from causalmer_core.errors import UserError, unknown_name
from causalmer_core.frozen import Frozen
from results.certainty import certainty_reasons, expected_optimism, tied_with_best
from results.dataset import SweepResults
from results.files import write_text
from results.intervals import Interval, PairedDifference, paired_difference
from results.journal import now
from results.layout import SweepLayout
from results.leaderboard import COLUMNS, Entry, Leaderboard, leaderboard
from results.manifest import Manifest
from results.selection_rules import Candidates, best_mean, lower_bound, one_standard_error
from results.statistics.optimism import Optimism
from results.statistics.tied_set import TiedSet


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of selection.

    Attributes:
        name: how it is called.
        description: what it does, in a sentence.
        columns: the columns of the runs table that it may see; it is handed these and a leaderboard made from no
            others, so that no rule can look at the test split.
        choose: the choice among selectable entries, of which there is at least one.
        least_seeds: how many ranking seeds it needs.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    choose: Callable[[Candidates], Entry]
    least_seeds: int = 1


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule(
                name="best_mean",
                description="the best mean validation score over the complete set of ranking seeds",
                columns=COLUMNS,
                choose=best_mean,
            ),
            Rule(
                name="lower_bound",
                description="the best worse end of the 95% t interval over the complete set of ranking seeds",
                columns=COLUMNS,
                choose=lower_bound,
                least_seeds=2,
            ),
            Rule(
                name="one_standard_error",
                description="the fewest parameters within one standard error of the best mean, by paired differences",
                columns=(*COLUMNS, "parameters"),
                choose=one_standard_error,
                least_seeds=2,
            ),
        )
    }
)


class RunnerUp(Frozen):
    """The next best configuration, and how far behind it is on the seeds that both share."""

    config_id: str
    number: int | None
    mean: float
    difference: Interval
    """Selected minus runner-up, in the metric's own direction."""
    p_value: float | None
    effect_size: float | None = None
    """Of the difference, in units of its spread."""


class Selection(Frozen):
    """The selected configuration and the reasons.

    `interval` is of the mean validation score over `scores`, one a ranking seed, and `search_mean` what the search had
    seen. `confirmed` is over seeds that no selection saw, once the runs have finished; `optimism` is how much better
    `interval` was than that, and `search_optimism` how much better `search_mean` was (positive: overstated). A sweep
    without such seeds has only `search_optimism`, over its confirm seeds. As long as `confirmed` is missing,
    `estimated_optimism` of the best mean is what its own scores say. `tied` is who cannot be told from the best mean.
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
    estimated_optimism: float | None = None
    tied: TiedSet | None = None
    runner_up: RunnerUp | None
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
    runs = results.runs[list(named.columns)]
    board = leaderboard(runs, results.manifest)
    if not any(entry.selectable for entry in board.ranked):
        raise _nothing_to_select(board)
    entry = named.choose(Candidates(board, runs))
    interval = _interval(entry)
    tied, estimated = tied_with_best(board), _estimated(entry, board, results.manifest)
    runner_up = _runner_up(entry, board)
    fresh = _fresh(entry, results.manifest)
    config = results.runs.loc[results.runs["config_id"] == entry.config_id, "config_json"].iloc[0]
    return Selection(
        sweep_id=results.manifest.sweep_id,
        rule=named.name,
        columns=named.columns,
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
        estimated_optimism=None if estimated is None else estimated.optimism,
        tied=tied,
        runner_up=runner_up,
        reasons=(
            *_reasons(named, entry, board, runner_up, fresh),
            *certainty_reasons(tied, estimated, board),
        ),
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
        effect_size=difference.effect_size,
    )


def _estimated(entry: Entry, board: Leaderboard, manifest: Manifest) -> Optimism | None:
    """The optimism of the best mean, as long as no fresh seeds have measured it."""
    if entry.fresh_interval is not None or entry is not board.ranked[0]:
        return None
    return expected_optimism(board, manifest)


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


def _overstated(who: str, score: float, fresh: Interval, board: Leaderboard) -> str:
    gap = _beyond(score, fresh, board) or 0.0
    return f"{who} had {'overstated' if gap > 0 else 'understated'} it by {abs(gap):.4f}"


def _left(board: Leaderboard) -> str:
    return f"{len(board.left)} left the confirmation before, " if board.left else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _nothing_to_select(board: Leaderboard) -> UserError:
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
