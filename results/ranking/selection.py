"""Selection: a named rule selects one configuration, from validation records only, with reasons.

Every rule selects among the configurations with complete seed sets that violate no constraint.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, ValidationError

from causalmer_core.basics.digests import DamagedFileError, digested, open_digested
from causalmer_core.basics.errors import UserError, unknown_name
from causalmer_core.basics.files import write_text
from causalmer_core.basics.validation import Frozen
from results.ranking.certainty import expected_optimism, overstated_by, tied_with_best
from results.ranking.leaderboard import Entry, Leaderboard, leaderboard, seen_columns
from results.ranking.selection_reasons import certainty_reasons, joined, reasons_for
from results.ranking.selection_rules import RULES, Candidates
from results.records.dataset import SweepResults
from results.records.layout import SweepLayout
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.seals import read_seals, seal_files
from results.statistics.intervals import Interval, PairedDifference, paired_difference
from results.statistics.optimism import Optimism
from results.statistics.tied_set import TiedSet
from results.storage.journal import now

_REMEDY = "choose again with 'causalmer results select' or 'causalmer resume'; the records decide alike"


class FrontPoint(Frozen):
    """A configuration on the Pareto front, with the means of the objectives over its ranking seeds."""

    config_id: str
    number: int | None
    values: dict[str, float]


class RunnerUp(Frozen):
    """The next best configuration, and its distance from the selected one on their common seeds."""

    config_id: str
    number: int | None
    mean: float
    difference: Interval
    """Selected minus runner-up, in points of the metric."""
    p_value: float | None
    effect_size: float | None = None
    """The effect size of the difference, in units of its spread."""


class Selection(Frozen):
    """The selected configuration and the reasons.

    Attributes:
        interval: of the mean validation score over `scores`, which has one score per ranking seed.
        search_mean: its mean score over the search seeds.
        confirmed: its mean over the evaluation seeds, which no selection uses. None until these runs have finished.
        optimism: how much better `interval` was than `confirmed`, in points of the metric; positive: overstated.
        search_optimism: how much better `search_mean` was than the mean over fresh seeds; positive: overstated. A sweep
            without evaluation seeds uses its confirm seeds, and has no `optimism`.
        estimated_optimism: the optimism of the best mean, estimated from the ranking scores. None with `confirmed`.
        tied: the configurations that are not distinguishable from the best mean.
        measured: the mean over the ranking seeds of each measure of objectives and constraints.
        front: the Pareto front; empty with a single objective.
    """

    sweep_id: str
    rule: str
    columns: tuple[str, ...]
    """The columns of the runs table that the rule could use."""
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
    """Select a configuration by a named rule and write the selection to the sweep's folder.

    Args:
        results: the sweep.
        rule: a name in `RULES`.

    Raises:
        UserError: the rule is unknown, or no configuration can be selected.
        StoreError: the selection is written here, but not in the store.
    """
    chosen = choose(results, rule)
    _write(results.layout, chosen)
    return chosen


def current_selection(results: SweepResults, rule: str = "best_mean") -> Selection:
    """The sweep's selection, made again if the records have changed since.

    Raises:
        UserError: as `select` and `read_selection`.
    """
    before, chosen = read_selection(results.layout), choose(results, rule)
    if before is not None and _without_time(before) == _without_time(chosen):
        return before
    _write(results.layout, chosen)
    return chosen


def _write(layout: SweepLayout, chosen: Selection) -> None:
    write_text(layout.selection, digested(json.loads(chosen.model_dump_json())))
    seal_files(layout, layout.selection.name)
    layout.store.push(layout.selection)


def _without_time(selection: Selection) -> str:
    return selection.model_dump_json(exclude={"selected_at"})  # as text, because NaN does not equal NaN


def choose(results: SweepResults, rule: str = "best_mean") -> Selection:
    """As `select`, but nothing is written.

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
    """The sweep's selection. None before the first selection.

    Raises:
        DamagedFileError: the file is not what was written, another sweep's, or missing although there was a selection.
        UserError: this version cannot read the file.
    """
    manifest, path = read_sweep_manifest(layout), layout.selection
    try:
        tree = open_digested(
            path.read_bytes(), path, remedy=_REMEDY, may_lack=lambda _: not manifest.is_sealed
        )
    except FileNotFoundError as error:
        if path.name not in read_seals(layout).files:
            return None
        raise DamagedFileError(path, "it is missing", _REMEDY) from error
    except OSError as error:
        raise DamagedFileError(path, f"it cannot be read ({error.strerror or error})", _REMEDY) from error
    if tree.get("sweep_id") != manifest.sweep_id:
        raise DamagedFileError(path, f"it is of the sweep {tree.get('sweep_id')}", _REMEDY)
    try:
        # Validated as JSON text, because only there strict validation accepts lists for tuples.
        return Selection.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        raise UserError(f"{path} is not a selection that this version reads: {error}") from error


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
    """The next best configuration, and the difference of the selected one from it."""
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
    """The estimated optimism of the best mean. None if evaluation seeds have measured it."""
    if entry.fresh_interval is not None or entry is not board.ranked[0]:
        return None
    return expected_optimism(board, manifest)


def _fresh(entry: Entry, manifest: SweepManifest) -> Interval | None:
    """The mean over seeds that the search did not use. None if there are none, or if their runs have not finished."""
    # Evaluation seeds had no part in any choice. Without them the confirm seeds, unknown to the search, are the best.
    if manifest.evaluate_seeds or manifest.search_ranks or not manifest.confirm_seeds:
        return entry.fresh_interval
    return entry.interval


def _nothing_to_select(board: Leaderboard) -> UserError:
    if board.infeasible:
        worst = "; ".join(f"{entry.label}: {joined(entry.violated)}" for entry in board.infeasible[:5])
        return UserError(
            f"every configuration with a complete seed set violates a constraint ({worst}), so none can be selected; "
            "the runs are kept: start a sweep of another name with wider constraints, and it reuses them"
        )
    needed = ", ".join(map(str, board.seeds))
    gaps = [
        f"{entry.label} lacks " + ", ".join(f"seed {seed} ({why})" for seed, why in entry.missing.items())
        for entry in board.incomplete
        if "candidate" in entry.roles
    ]
    found = "; ".join(gaps[:5]) if gaps else "no candidate was started on these seeds"
    return UserError(
        f"no configuration finished on every ranking seed ({needed}): {found}. "
        "A mean over fewer seeds is not compared; continue the sweep with 'causalmer resume', and add --retry-failed "
        "to try failed runs again"
    )
