"""Selection: a named rule chooses one configuration, from validation records alone, and says why.

Every rule chooses among the configurations with complete seed sets that violate no constraint.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, ValidationError

from causalmer_core.basics.errors import UserError, unknown_name
from causalmer_core.basics.files import write_text
from causalmer_core.basics.validation import Frozen
from results.ranking.certainty import expected_optimism, overstated_by, tied_with_best
from results.ranking.leaderboard import Entry, Leaderboard, leaderboard, seen_columns
from results.ranking.selection_reasons import certainty_reasons, joined, reasons_for
from results.ranking.selection_rules import RULES, Candidates
from results.records.dataset import SweepResults
from results.records.journal import now
from results.records.layout import SweepLayout
from results.records.manifest import SweepManifest
from results.statistics.intervals import Interval, PairedDifference, paired_difference
from results.statistics.optimism import Optimism
from results.statistics.tied_set import TiedSet


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
    effect_size: float | None = None
    """Of the difference, in units of its spread."""


class Selection(Frozen):
    """The selected configuration and the reasons.

    `interval` is of the mean validation score over `scores`, one a ranking seed, and `search_mean` what the search had
    seen. `confirmed` is over seeds that no selection saw, once the runs have finished; `optimism` is how much better
    `interval` was than that, and `search_optimism` how much better `search_mean` was (positive: overstated). A sweep
    without such seeds has only `search_optimism`, over its confirm seeds. Until `confirmed` is there,
    `estimated_optimism` is what the ranking scores themselves say of the best mean's. `tied` is who cannot be told from
    the best mean. `measured` are the means over the ranking seeds of what objectives and constraints are about, and
    `front` is the Pareto front that the configuration was chosen from or among, of sweeps with several objectives.
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
    _write(results.layout, chosen)
    return chosen


def current_selection(results: SweepResults, rule: str = "best_mean") -> Selection:
    """The sweep's selection, made again where the records it follows from have changed since.

    Raises:
        UserError: as `select`, and `read_selection`.
    """
    before, chosen = read_selection(results.layout), choose(results, rule)
    if before is not None and _without_time(before) == _without_time(chosen):
        return before
    _write(results.layout, chosen)
    return chosen


def _write(layout: SweepLayout, chosen: Selection) -> None:
    write_text(layout.selection, chosen.model_dump_json(indent=2) + "\n")
    layout.store.push(layout.selection)


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
    runs = results.runs[list(columns)]
    board = leaderboard(runs, results.manifest)
    if not any(entry.selectable for entry in board.ranked):
        raise _nothing_to_select(board)
    entry = named.choose(Candidates(board, runs))
    interval = _interval(entry)
    second = _second(entry, board)
    tied, estimated = tied_with_best(board), _estimated(entry, board, results.manifest)
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
        optimism=overstated_by(interval.mean, entry.fresh_interval, board),
        search_optimism=overstated_by(entry.search_mean, fresh, board),
        estimated_optimism=None if estimated is None else estimated.optimism,
        tied=tied,
        runner_up=None if second is None else _runner_up(*second),
        measured=dict(entry.measured),
        front=_front(board),
        reasons=(
            *reasons_for(named, entry, board, second, fresh),
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


def _front(board: Leaderboard) -> tuple[FrontPoint, ...]:
    if not board.objectives.is_multi_objective:
        return ()
    measures = [objective.measure for objective in board.objectives.all]
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


def _second(entry: Entry, board: Leaderboard) -> tuple[Entry, PairedDifference] | None:
    """The next best configuration, and the selected one minus it."""
    behind = (e for e in (*board.ranked, *board.eliminated) if e.interval and e.config_id != entry.config_id)
    second = next(behind, None)
    return None if second is None else (second, paired_difference(entry.scores, second.scores))


def _runner_up(second: Entry, difference: PairedDifference) -> RunnerUp:
    return RunnerUp(
        config_id=second.config_id,
        number=second.number,
        mean=_interval(second).mean,
        difference=difference.interval,
        p_value=difference.p_value,
        effect_size=difference.effect_size,
    )


def _estimated(entry: Entry, board: Leaderboard, manifest: SweepManifest) -> Optimism | None:
    """The optimism of the best mean, as long as no fresh seeds have measured it."""
    if entry.fresh_interval is not None or entry is not board.ranked[0]:
        return None
    return expected_optimism(board, manifest)


def _fresh(entry: Entry, manifest: SweepManifest) -> Interval | None:
    """The mean over seeds that had no part in what chose the entry: at best none of the choices, else not the search's;
    none where there are none, or where these runs have not finished.
    """
    if manifest.evaluate_seeds or manifest.search_ranks or not manifest.confirm_seeds:
        return entry.fresh_interval
    return entry.interval


def _nothing_to_select(board: Leaderboard) -> UserError:
    if board.infeasible:
        worst = "; ".join(f"{entry.label}: {joined(entry.violated)}" for entry in board.infeasible[:5])
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
        "A mean over fewer seeds is not compared; continue the sweep with 'causalmer resume'; what failed is tried "
        "again with its --retry-failed"
    )
