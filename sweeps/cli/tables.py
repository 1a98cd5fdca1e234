"""Tables for the terminal; where the output is no terminal, plain text wide enough that no cell is cut."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.resources.trial_resources import ANY, TrialResources
from results.evaluation.debiasing_table import debiasing_lines
from results.evaluation.evaluation_table import (
    PRESENT,
    SUBSET_NAMES,
    Contender,
    as_configured,
    evaluated_contenders,
)
from results.ranking.certainty import tied_sentence, tied_with_best
from results.ranking.leaderboard import NOT_STARTED, Entry, Leaderboard, leaderboard
from results.ranking.selection import read_selection
from results.records.dataset import SweepResults
from sweeps.cli.plan_lines import objective_lines, search_lines
from sweeps.cli.results.modality_tables import modality_tables
from sweeps.setup.plan import Plan
from sweeps.spec.sections import DebiasingSection
from sweeps.spec.sweep_spec import SweepSpec

_PIPE_WIDTH = 200
_MOST_SEED_COLUMNS = 8


def console() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def leaderboard_table(results: SweepResults) -> RenderableType:
    """The ranking, its seeds, and what was left out of it."""
    board = leaderboard(results.runs, results.manifest)
    seeds = ", ".join(map(str, board.seeds))
    title = Text(
        f"{results.manifest.name}: mean validation {board.metric} over seeds {seeds}, {board.objectives.better} is better"
    )
    if not board.entries:
        return Group(title, Text("no run has been recorded yet"))
    parts: list[RenderableType] = [title, _board_table(board)]
    parts += [Text(f"{name}: {text}") for name, text in board.objectives.described().items()]
    for entry in board.entries:
        if entry.violated:
            parts.append(Text(f"{entry.label} violates a constraint: {', '.join(entry.violated)}"))
    if board.incomplete:
        note = f"{len(board.incomplete)} with incomplete seed sets are not averaged and cannot be selected"
        parts.append(Text(note))
    tied = tied_with_best(board)
    if tied is not None and len(board.ranked) > 1:
        parts.append(Text(tied_sentence(tied, board)))
    return Group(*parts)


def evaluation_table(results: SweepResults) -> RenderableType:
    """Each contender's mean on the test split with its interval, and its means with modalities removed."""
    metric = results.manifest.monitor
    found = as_configured(evaluated_contenders(results.evaluations, results.manifest.metrics))
    if not found:
        return Text("the test split has not been opened")
    table = _plain_table("contender", "predicts by", "all modalities [95% t interval]")
    for present in PRESENT[1:]:
        table.add_column(SUBSET_NAMES[present], justify="right")
    for contender in found:
        cells = [contender.name, contender.prediction, _mean(contender, metric)]
        for present in PRESENT[1:]:
            interval = contender.interval(metric, present)
            cells.append("–" if interval is None else f"{interval.mean:z.4f}")
        table.add_row(*map(Text, cells))
    seeds = ", ".join(map(str, results.manifest.test_seeds))
    return Group(Text(f"test {metric}, mean over seeds {seeds}, by the modalities present"), table)


def _mean(contender: Contender, metric: str) -> str:
    """The mean with its interval; a baseline without seeds has a value and nothing to average."""
    interval = contender.interval(metric)
    if interval is None:
        return "–"
    return str(interval) if contender.config_id else f"{interval.mean:z.4f}"


def print_test_tables(screen: Console, results: SweepResults) -> None:
    """The final evaluation, and below it what modalities are worth and what was chosen after training."""
    screen.print(evaluation_table(results))
    chosen = debiasing_table(results)
    for table in (*modality_tables(results), *([] if chosen is None else [chosen])):
        screen.print()
        screen.print(table)


def debiasing_table(results: SweepResults) -> RenderableType | None:
    """What was chosen after training, its gain on validation, and what it gives on test; none where nothing was."""
    selection = read_selection(results.layout)
    lines = [] if selection is None else debiasing_lines(results, selection.config_id)
    if not lines:
        return None
    metric = results.manifest.monitor
    table = _plain_table("prediction", "", "weights t a v", "validation gain", f"test {metric}", "test gain")
    for line in lines:
        weights = "–" if line.weights is None else " ".join(f"{w:.2f}" for w in line.weights)
        kept = f"; paper's kept for {line.kept_paper} of the seeds" if line.kept_paper else ""
        tested = None if line.test is None else line.test.interval(metric)
        ahead = None if line.test_gain is None else line.test_gain.interval
        shown = (line.valid_gain, tested, ahead)
        cells = [line.prediction, line.name + kept, weights, *(str(found or "–") for found in shown)]
        table.add_row(*map(Text, cells))
    title = (
        f"debiasing after training: gains in {metric} over the paper's weights, positive is better; "
        "validation over folds, test over seeds [95% t interval]"
    )
    return Group(Text(title), table)


def _asked(resources: TrialResources) -> str:
    gpu = "a measured share of a" if resources.gpu == "auto" else f"{resources.gpu:g}"
    kind = "" if resources.accelerator == ANY else f" of type {resources.accelerator}"
    memory = "" if resources.memory == "auto" else f", {resources.memory:g} GiB"
    return f"{resources.cpu:g} CPU, {gpu} GPU{kind}{memory}"


def plan_table(plan: Plan) -> RenderableType:
    """What would run, with what, and for how long at most."""
    spec = plan.sweep.spec
    size = "a continuum" if plan.space_size is None else f"{plan.space_size} configurations"
    seeds = spec.seed_plan()
    resources = f"{_asked(spec.resources)} a run; {plan.workers} at once"
    lines = [
        ("sweep", f"{spec.name} in {plan.sweep.layout.place}"),
        ("data", f"{plan.sweep.data.name}, fingerprint {plan.sweep.data.fingerprint[:16]}"),
        ("space", f"{len(spec.space.searched_paths)} parameters, {size}"),
        (
            "search",
            f"at most {plan.runs['search']} runs by {spec.search.sampler} with {_seeds(seeds.search)}{_blocks(spec)}",
        ),
        *objective_lines(plan.sweep.objectives, spec),
        *search_lines(spec, plan.max_epochs),
        ("confirm", _confirmation(plan)),
        (
            "evaluate",
            f"at most {plan.runs['evaluate']} runs of the selected configuration, the paper's default and the "
            f"undebiased twin with {_seeds(seeds.evaluate)}, then the test split",
        ),
        ("debias", _after_training(spec.debiasing)),
        ("resources", resources),
        ("epochs", f"at most {plan.max_epochs} a run"),
    ]
    for name, cost in plan.costs.items():
        pace = f"{cost.step_seconds * 1000:.0f} ms a step, {cost.epoch_seconds:.1f} s an epoch"
        lines.append((name, f"{pace}, {cost.parameters:,} parameters"))
    time = timedelta(seconds=round(plan.seconds))
    lines.append(
        ("time", f"at most about {time} by steps measured on this CPU; starting processes comes on top")
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in lines:
        table.add_row(Text(name, style="bold"), Text(text))
    return table


def _confirmation(plan: Plan) -> str:
    spec = plan.sweep.spec
    if not spec.seeds.confirm:
        return "none: the search alone decides"
    rule = spec.confirmation
    words = {
        "all": "all on all",
        "halving": "halving over seeds",
        "race": f"racing: the best leaves with a chance of at most {getattr(rule, 'max_error', 0):g}",
    }
    active = min(spec.seeds.top_k, spec.num_configs)
    seeds = _seeds(spec.seed_plan().confirm)
    return f"at most {plan.runs['confirm']} runs of the best {active} with {seeds}; {words[rule.name]}"


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) > _MOST_SEED_COLUMNS:
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def _blocks(spec: SweepSpec) -> str:
    blocks = spec.search_blocks()
    return f", in trials of {' and '.join(str(len(block)) for block in blocks)}" if len(blocks[0]) > 1 else ""


def _after_training(section: DebiasingSection) -> str:
    if not section.methods:
        return "nothing is chosen after training"
    return f"constants and weights {' and '.join(section.methods)} after training, on validation; no runs"


def _board_table(board: Leaderboard) -> Table:
    table = _plain_table("", "configuration", "mean [95% t interval]")
    for heading in _seed_headings(board):
        table.add_column(heading, justify="right")
    for measure in board.other_measures:
        table.add_column(measure, justify="right")
    if board.objectives.is_multi_objective:
        table.add_column("front", justify="right")
    table.add_column("search", justify="right")
    if board.fresh_seeds:
        table.add_column("seeds that no selection saw")
    for place, entry in enumerate(board.ranked, start=1):
        _add_entry(table, str(place), entry, board)
    for entry in board.infeasible:
        _add_entry(table, "infeasible", entry, board)
    for entry in board.eliminated:
        _add_entry(table, f"left after {_count(entry.eliminated_after or 0, 'seed')}", entry, board)
    groups = {
        "contender": board.contenders,
        "incomplete": board.incomplete,
        "unconfirmed": board.unconfirmed,
    }
    for title, entries in groups.items():
        for entry in entries:
            _add_entry(table, title, entry, board)
    return table


def _seed_headings(board: Leaderboard) -> list[str]:
    return [f"seed {seed}" for seed in board.seeds] if len(board.seeds) <= _MOST_SEED_COLUMNS else ["seeds"]


def _seed_cells(entry: Entry, board: Leaderboard) -> list[str]:
    """A cell a seed, or where there are too many how many finished and why others did not."""
    if len(board.seeds) <= _MOST_SEED_COLUMNS:
        return [_seed_cell(entry, seed) for seed in board.seeds]
    ends = Counter(why for why in entry.missing.values() if why != NOT_STARTED)
    return [", ".join([str(len(entry.scores)), *(f"{count} {why}" for why, count in ends.items())])]


def _seed_cell(entry: Entry, seed: int) -> str:
    return f"{entry.scores[seed]:z.4f}" if seed in entry.scores else entry.missing.get(seed, "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _add_entry(table: Table, place: str, entry: Entry, board: Leaderboard) -> None:
    mean = "–" if entry.interval is None else str(entry.interval)
    fresh = ["–" if entry.fresh_interval is None else str(entry.fresh_interval)] if board.fresh_seeds else []
    name = f"{entry.label} {entry.config_id[:8]}"
    wanted = _objective_cells(entry, board)
    table.add_row(
        *map(Text, (place, name, mean, *_seed_cells(entry, board), *wanted, _search(entry), *fresh))
    )


def _objective_cells(entry: Entry, board: Leaderboard) -> list[str]:
    values = [entry.measured.get(measure) for measure in board.other_measures]
    cells = ["–" if value is None else f"{value:.6g}" for value in values]
    return [*cells, str(entry.front or "–")] if board.objectives.is_multi_objective else cells


def _search(entry: Entry) -> str:
    score = "–" if entry.search_mean is None else f"{entry.search_mean:z.4f}"
    states = [state.value for state in entry.search_states.values() if state.value != "finished"]
    return " ".join([score, *states])


def _plain_table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table
