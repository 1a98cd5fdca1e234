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
from results.dataset import SweepResults
from results.files import write_text
from results.intervals import Interval, PairedDifference, paired_difference
from results.journal import now
from results.layout import SweepLayout
from results.leaderboard import COLUMNS, Entry, Leaderboard, leaderboard


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of selection.

    Attributes:
        name: how it is called.
        description: what it does, in a sentence.
        columns: the columns of the runs table that it may see; it is handed a leaderboard made from no
            others, so that no rule can look at the test split.
        choose: the choice among selectable entries, of which there is at least one.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    choose: Callable[[Leaderboard], Entry]


def _best_mean(board: Leaderboard) -> Entry:
    return next(entry for entry in board.ranked if entry.selectable)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule(
                name="best_mean",
                description="the best mean validation score over the complete set of ranking seeds",
                columns=COLUMNS,
                choose=_best_mean,
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


class Selection(Frozen):
    """The selected configuration and the reasons.

    `interval` is of the mean validation score over `scores`, one a seed. `search_mean` is what the search had
    seen; `optimism` is how much better that was than the mean on fresh seeds (positive: the search
    overstated).
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
    optimism: float | None
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
    board = leaderboard(results.runs[list(named.columns)], results.manifest)
    if not any(entry.selectable for entry in board.ranked):
        raise _nothing_to_select(board)
    entry = named.choose(board)
    interval = _interval(entry)
    runner_up = _runner_up(entry, board)
    optimism = _optimism(entry, board, results.manifest.confirm_seeds)
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
        optimism=optimism,
        runner_up=runner_up,
        reasons=_reasons(named, entry, board, runner_up, optimism),
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
    second = next((e for e in board.ranked if e.selectable and e.config_id != entry.config_id), None)
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


def _optimism(entry: Entry, board: Leaderboard, confirm_seeds: tuple[int, ...]) -> float | None:
    """Search minus confirmation; none where the seeds that ranked were not fresh."""
    if entry.search_mean is None or not confirm_seeds:
        return None
    gap = entry.search_mean - _interval(entry).mean
    return gap if board.direction == "max" else -gap


def _reasons(
    rule: Rule, entry: Entry, board: Leaderboard, runner_up: RunnerUp | None, optimism: float | None
) -> tuple[str, ...]:
    seeds = ", ".join(map(str, board.seeds))
    better = "higher" if board.direction == "max" else "lower"
    reasons = [
        f"rule {rule.name}: {rule.description}; it saw validation records only",
        f"configuration {entry.label} ({entry.config_id}) has validation {board.metric} {entry.interval} "
        f"over seeds {seeds} ({better} is better)",
        f"{_count(len(board.ranked), 'candidate')} with complete seed sets compared, "
        f"{len(board.incomplete)} left out as incomplete, {len(board.unconfirmed)} not confirmed",
    ]
    if runner_up is None:
        reasons.append("there is no runner-up")
    else:
        label = f"#{runner_up.number}" if runner_up.number is not None else runner_up.config_id
        p_value = "" if runner_up.p_value is None else f", sign-flip p = {runner_up.p_value:.3g}"
        reasons.append(f"selected minus runner-up {label} on the same seeds: {runner_up.difference}{p_value}")
    if optimism is not None:
        verb = "overstated" if optimism > 0 else "understated"
        reasons.append(f"the search had {verb} it by {abs(optimism):.4f}")
    return tuple(reasons)


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
