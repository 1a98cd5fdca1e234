"""The report: one self-contained HTML page of a sweep, without a request to any network.

Every string of a user goes through Jinja2's autoescape, or as JSON into a block that is not run. A
content-security policy allows the page's own two scripts by their digests and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from causalmer_core.modality import MODALITIES
from results import figures
from results.best_yaml import best_yaml
from results.dataset import SweepResults, open_sweep
from results.debiasing_table import debiasing_lines
from results.evaluation_table import (
    CONTENDERS,
    PRESENT,
    SUBSET_NAMES,
    Contender,
    as_configured,
    contenders,
    difference,
)
from results.files import write_text
from results.intervals import Interval
from results.journal import now, read_journal
from results.layout import SweepLayout
from results.leaderboard import Entry, Leaderboard, leaderboard
from results.modality_table import REPLACED_BY, contribution_lines, gap_lines, label_lines, rate_points
from results.selection import Selection, read_selection

FIGURE_ENTRIES = 16
"""How many ranked configurations the leaderboard's figure shows; the table shows all."""
CURVE_ENTRIES = 3
"""How many ranked configurations the learning curves show, beside the contenders."""


def write_report(layout: SweepLayout, out: Path | None = None) -> Path:
    """Write the report of a sweep and return its path.

    What the sweep has not reached yet (a selection, a final evaluation) is said in a sentence.

    Args:
        layout: the sweep's folder.
        out: the page, by default `report.html` in the sweep's folder.

    Raises:
        UserError: the folder is no sweep.
        OSError: the page cannot be written.
    """
    path = layout.report if out is None else out
    write_text(path, render(open_sweep(layout)))
    if out is None:
        layout.store.push(path)
    return path


def render(results: SweepResults) -> str:
    """The report's HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("results"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["ends"] = ends
    environment.filters["duration"] = duration
    library, drawing = get_plotlyjs(), _template_text("draw.js")
    template = environment.get_template("report.html.j2")
    return template.render(
        **_content(results),
        plotly_js=Markup(library),  # noqa: S704 - the library's own text, allowed by its digest
        draw_js=Markup(drawing),  # noqa: S704 - our own file
        script_digests=[_digest(library), _digest(drawing)],
    )


def number(value: float | None) -> str:
    """A metric with four decimals, or a dash."""
    return "–" if value is None else f"{value:.4f}"


def ends(interval: Interval | None) -> str:
    """The ends of an interval in brackets; empty where there is none."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"[{interval.low:.4f}, {interval.high:.4f}]"


def duration(seconds: float) -> str:
    """A time in the two units that matter: `36 s`, `4 min 12 s`, `3 h 20 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _content(results: SweepResults) -> dict[str, Any]:
    manifest = results.manifest
    board = leaderboard(results.runs, manifest)
    selection = read_selection(results.layout)
    tested = as_configured(contenders(results.evaluations, manifest.metrics))
    shown = _curve_entries(board, selection)
    curves = figures.seed_curves(results.epochs, shown, manifest)
    rates = rate_points(results)
    best = None if selection is None else selection.config_id
    drawn = (*(*board.ranked, *board.left)[:FIGURE_ENTRIES], *board.contenders)
    return {
        "manifest": manifest,
        "written": now()[:16].replace("T", " "),
        "board": board,
        "shows_chances": any(entry.chance is not None for entry in board.entries),
        "parameters": _parameter_rows(results, board),
        "selection": selection,
        "tested": tested,
        "answer": _test_answer(tested, selection, manifest.monitor),
        "evaluated_other": _evaluated_other(tested, selection),
        "openings": sum(r["kind"] == "opening" for r in read_journal(results.layout.evaluation_journal)),
        "debiasing": [] if selection is None else debiasing_lines(results, selection.config_id),
        "gaps": gap_lines(results),
        "contributions": contribution_lines(results),
        "label_contributions": [] if selection is None else label_lines(results, selection.config_id),
        "rates": rates,
        "replaced_by": REPLACED_BY,
        "modalities": MODALITIES,
        "present": PRESENT,
        "subset_names": SUBSET_NAMES,
        "states": _states(results),
        "reasons": _reasons(results),
        "figures": {
            "leaderboard": _json(figures.draw_leaderboard(drawn, board, best)) if drawn else None,
            "curves": None
            if curves.empty
            else _json(figures.draw_curves(curves, manifest, _labels_with_curves(shown, curves))),
            "rates": _json(figures.draw_rates(rates, manifest)) if rates else None,
        },
        "spec_text": _text_or_none(results.layout.spec),
        "best_yaml": None if selection is None else best_yaml(results, selection),
    }


def _curve_entries(board: Leaderboard, selection: Selection | None) -> list[Entry]:
    """The selected configuration, the best ranked ones, the contenders; without any of these, unfinished
    ones.
    """
    chosen = [entry for entry in board.ranked if selection and entry.config_id == selection.config_id]
    others = [entry for entry in (*board.ranked, *board.left) if entry not in chosen]
    chosen += others[: CURVE_ENTRIES - len(chosen)]
    return [*chosen, *board.contenders] or list(board.incomplete[:CURVE_ENTRIES])


def _labels_with_curves(entries: list[Entry], curves: Any) -> list[str]:
    present = set(curves["label"])
    return [name for name in figures.display_names(entries) if name in present]


def _parameter_rows(results: SweepResults, board: Leaderboard) -> dict[str, list[str]]:
    """The searched parameters of each configuration as text, by identity, in the manifest's order."""
    first = results.runs.drop_duplicates("config_id").set_index("config_id")
    return {
        entry.config_id: [_shown(first.at[entry.config_id, path]) for path in results.manifest.parameters]
        for entry in board.entries
    }


def _shown(value: Any) -> str:
    if value is None or value != value:  # NaN is how pandas says null in a number column
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _test_answer(tested: list[Contender], selection: Selection | None, metric: str) -> dict[str, Any] | None:
    """The selected configuration's entry, and how far it is ahead of the first entry of each other contender."""
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
    """Whether the test numbers belong to another configuration than the one selected now."""
    evaluated = {contender.config_id for contender in tested if contender.name == "selected"}
    return selection is not None and bool(evaluated) and selection.config_id not in evaluated


def _states(results: SweepResults) -> list[tuple[str, str, int, float]]:
    """Phase, state, runs, seconds of training."""
    groups = results.runs.groupby(["phase", "state"], sort=True)["seconds"].agg(["size", "sum"]).reset_index()
    rows = zip(groups["phase"], groups["state"], groups["size"], groups["sum"], strict=True)
    return [(str(phase), str(state), int(size), float(seconds)) for phase, state, size, seconds in rows]


def _reasons(results: SweepResults) -> list[tuple[str, str, int]]:
    """State, reason and how often, of runs that did not finish; the most frequent first."""
    counts = Counter(
        (str(state), str(reason))
        for state, reason in zip(results.runs["state"], results.runs["reason"], strict=True)
        if state != "finished"
    )
    return [
        (state, reason, count)
        for (state, reason), count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    ]


def _json(figure: Any) -> Any:
    """The figure as JSON that may stand inside a script element: no `<`, so that no text can close it."""
    text = figure.to_json().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704 - made safe in the line above


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _template_text(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def _text_or_none(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
