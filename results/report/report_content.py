"""The content of the report: the numbers and figures of each section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from causalmer_core.basics.modality import MODALITIES
from results.evaluation.class_tables import Calibration, Confusion, calibration, confusions
from results.evaluation.debiasing_table import debiasing_lines
from results.evaluation.evaluation_table import (
    CONTENDERS,
    PRESENT,
    SUBSET_NAMES,
    Contender,
    as_configured,
    difference,
    evaluated_contenders,
    labels,
    leads,
)
from results.evaluation.modality_table import (
    REPLACED_BY,
    contribution_lines,
    gap_lines,
    label_lines,
    rate_points,
)
from results.ranking.certainty import variance_over_seeds
from results.ranking.importance import Importance
from results.ranking.leaderboard import Entry, Leaderboard, leaderboard
from results.ranking.search_table import search_table
from results.ranking.selection import Selection, read_selection
from results.ranking.unfinished import unfinished
from results.records.dataset import SweepResults
from results.records.histories import read_runs
from results.records.manifest import read_spec_text
from results.records.predictions_table import read_predictions
from results.records.seals import read_sealed
from results.report.best_yaml import best_yaml
from results.report.figures.calibration import draw_calibration
from results.report.figures.curves import draw_curves, seed_curves
from results.report.figures.front import draw_front
from results.report.figures.importance import draw_importance
from results.report.figures.leaderboard import display_names, draw_leaderboard
from results.report.figures.modalities import draw_contributions, draw_heat_map
from results.report.figures.parameters import draw_parallel, draw_slices
from results.report.figures.rates import draw_rates
from results.report.figures.spread import draw_expected_best, draw_variance
from results.report.figures.style import cell_text
from results.report.figures.timeline import attempt_spans, draw_timeline, utilisation
from results.storage.journal import REPAIRED, now

FIGURE_ENTRIES = 16
"""The most ranked configurations in the leaderboard's figure; the table shows all."""
CURVE_ENTRIES = 3
"""The most ranked configurations in the learning curves, beside the contenders."""
LEAST_SEARCHED = 3
"""The least number of searched configurations for figures of their parameters."""


def content(results: SweepResults, importance: Sequence[Importance]) -> dict[str, Any]:
    """The variables of the page's templates, by name. A figure is JSON, or None if there is nothing to draw.

    Args:
        results: the sweep.
        importance: the importance of the searched parameters, by each method.

    Raises:
        UserError: the selection or the sweep's own YAML file cannot be read.
    """
    manifest = results.manifest
    board = leaderboard(results.runs, manifest)
    selection = read_selection(results.layout)
    tested = as_configured(evaluated_contenders(results.evaluations, manifest.metrics))
    parts = [
        _ranking(results, board, selection),
        _parameters(results, board, selection, importance),
        _tests(results, tested, selection),
        _modalities(results, tested, selection),
        _costs(results),
    ]
    return {
        "manifest": manifest,
        "unfinished": unfinished(results),
        "written": now()[:16].replace("T", " "),
        "board": board,
        "selection": selection,
        "tested": tested,
        "modalities": MODALITIES,
        "present": PRESENT,
        "subset_names": SUBSET_NAMES,
        "spec_text": read_spec_text(results.layout),
        "best_yaml": None if selection is None else best_yaml(results, selection),
        **{name: value for part in parts for name, value in part.items() if name != "figures"},
        "figures": {
            name: None if figure is None else _json(figure)
            for part in parts
            for name, figure in part["figures"].items()
        },
    }


def _ranking(results: SweepResults, board: Leaderboard, selection: Selection | None) -> dict[str, Any]:
    shown_entries = _curve_entries(board, selection)
    curves = seed_curves(results.epochs, shown_entries, results.manifest)
    best = None if selection is None else selection.config_id
    drawn = (*(*board.ranked, *board.eliminated)[:FIGURE_ENTRIES], *board.contenders)
    order = _labels_with_curves(shown_entries, curves)
    return {
        "shows_chances": any(entry.chance is not None for entry in board.entries),
        "parameters": _parameter_rows(results, board),
        "figures": {
            "leaderboard": draw_leaderboard(drawn, board, best) if drawn else None,
            "front": draw_front(board, best)
            if board.objectives.is_multi_objective and board.entries
            else None,
            "curves": None if curves.empty else draw_curves(curves, results.manifest, order),
        },
    }


def _parameters(
    results: SweepResults, board: Leaderboard, selection: Selection | None, importance: Sequence[Importance]
) -> dict[str, Any]:
    manifest, frame, split = results.manifest, search_table(results, board), variance_over_seeds(board)
    drawn = bool(manifest.parameters) and len(frame) >= LEAST_SEARCHED
    finished = frame.loc[frame["state"] == "finished", "score"].tolist()
    best = None if selection is None else selection.config_id
    return {
        "importance": importance,
        "variance": split,
        "figures": {
            "importance": draw_importance(importance) if importance else None,
            "slices": draw_slices(frame, manifest, best) if drawn else None,
            "parallel": draw_parallel(frame, manifest) if drawn else None,
            "variance": None
            if split is None or split.share is None
            else draw_variance(split, manifest.monitor),
            "expected_best": draw_expected_best(finished, manifest)
            if len(finished) >= LEAST_SEARCHED
            else None,
        },
    }


def _tests(results: SweepResults, tested: list[Contender], selection: Selection | None) -> dict[str, Any]:
    table = read_predictions(results.layout)
    calibrated: dict[str, Calibration] = {}
    confused: list[tuple[str, list[Confusion]]] = []
    for label, one in zip(labels(tested), tested, strict=True):
        if one.config_id is not None:
            found = calibration(table, one.config_id, one.name)
            calibrated |= {} if found is None else {label: found}
            matrices = confusions(table, one.config_id, one.name)
            confused += [(label, matrices)] if matrices else []
    answer = _test_answer(tested, selection, results.manifest.monitor)
    others = [one for one in tested if answer is not None and one is not answer["selected"]]
    ledger = read_sealed(results.layout, results.layout.evaluation_journal)
    return {
        "answer": answer,
        "leads": [] if answer is None else leads(answer["selected"], others, results.manifest.monitor),
        "evaluated_other": _evaluated_other(tested, selection),
        "openings": [row for row in ledger if row["kind"] == "opening"],
        "ledger_repairs": [row for row in ledger if row["kind"] == REPAIRED],
        "debiasing": [] if selection is None else debiasing_lines(results, selection.config_id),
        "calibrated": calibrated,
        "confusions": confused,
        "figures": {"calibration": draw_calibration(calibrated) if calibrated else None},
    }


def _modalities(
    results: SweepResults, tested: list[Contender], selection: Selection | None
) -> dict[str, Any]:
    manifest, rates, contributions = results.manifest, rate_points(results), contribution_lines(results)
    by_zeros = [line for line in contributions if line.ablation == "zero"]
    return {
        "gaps": gap_lines(results),
        "contributions": contributions,
        "label_contributions": [] if selection is None else label_lines(results, selection.config_id),
        "rates": rates,
        "replaced_by": REPLACED_BY,
        "figures": {
            "rates": draw_rates(rates, manifest) if rates else None,
            "heat_map": draw_heat_map(tested, manifest) if tested else None,
            "contributions": draw_contributions(by_zeros, manifest) if by_zeros else None,
        },
    }


def _costs(results: SweepResults) -> dict[str, Any]:
    found = attempt_spans(read_runs(results.layout))
    return {
        "states": _states(results),
        "reasons": _reasons(results),
        "utilisation": utilisation(found),
        "figures": {"timeline": draw_timeline(found) if found else None},
    }


def _curve_entries(board: Leaderboard, selection: Selection | None) -> list[Entry]:
    """The selected configuration, the best ranked ones and the contenders; without any of these, incomplete ones."""
    chosen = [entry for entry in board.ranked if selection and entry.config_id == selection.config_id]
    others = [entry for entry in (*board.ranked, *board.eliminated) if entry not in chosen]
    chosen += others[: CURVE_ENTRIES - len(chosen)]
    return [*chosen, *board.contenders] or list(board.incomplete[:CURVE_ENTRIES])


def _labels_with_curves(entries: list[Entry], curves: Any) -> list[str]:
    present = set(curves["label"])
    return [name for name in display_names(entries) if name in present]


def _parameter_rows(results: SweepResults, board: Leaderboard) -> dict[str, list[str]]:
    """The searched parameters of each configuration as text, by config_id, in the manifest's order."""
    first = results.runs.drop_duplicates("config_id").set_index("config_id")
    return {
        entry.config_id: [cell_text(first.at[entry.config_id, path]) for path in results.manifest.parameters]
        for entry in board.entries
    }


def _test_answer(tested: list[Contender], selection: Selection | None, metric: str) -> dict[str, Any] | None:
    """The selected configuration's evaluation, and its difference from the first one of each other contender."""
    first: dict[str, Contender] = {}
    for contender in tested:
        if contender.name != "selected" or selection is None or contender.config_id == selection.config_id:
            first.setdefault(contender.name, contender)
    selected = first.get("selected")
    if selected is None or selected.interval(metric) is None:
        return None
    others = [first[name] for name in CONTENDERS[1:] if name in first]
    return {
        "selected": selected,
        "others": [(other, difference(selected, other, metric)) for other in others],
    }


def _evaluated_other(tested: list[Contender], selection: Selection | None) -> bool:
    """Whether the test split was evaluated for another selection only."""
    evaluated = {contender.config_id for contender in tested if contender.name == "selected"}
    return selection is not None and bool(evaluated) and selection.config_id not in evaluated


def _states(results: SweepResults) -> list[tuple[str, str, int, float]]:
    """Rows of phase, state, number of runs, and seconds of training."""
    groups = results.runs.groupby(["phase", "state"], sort=True)["seconds"].agg(["size", "sum"]).reset_index()
    rows = zip(groups["phase"], groups["state"], groups["size"], groups["sum"], strict=True)
    return [(str(phase), str(state), int(size), float(seconds)) for phase, state, size, seconds in rows]


def _reasons(results: SweepResults) -> list[tuple[str, str, int]]:
    """Rows of state, reason and count of the runs that did not finish, the most frequent first."""
    counts = Counter(
        (str(state), str(reason))
        for state, reason in zip(results.runs["state"], results.runs["reason"], strict=True)
        if state != "finished"
    )
    return [
        (state, reason, count)
        for (state, reason), count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    ]


def _json(figure: go.Figure) -> Markup:
    """The figure as JSON for a script element."""
    # Without `<` no text in the figure can close the element.
    text = figure.to_json().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704 - made safe in the line above
