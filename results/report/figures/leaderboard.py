"""The leaderboard: each configuration's seeds, mean and interval on a line."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from results.ranking.leaderboard import Entry, Leaderboard
from results.report.figures.style import COLOURS, QUIET, better, plain

_ROW_HEIGHT = 34


def seed_points(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row per score, in columns label, config_id, seed, score, kind.

    The kind is `ranking`, `search`, or `fresh` for evaluation seeds.
    """
    rows = [
        (name, entry.config_id, seed, score, kind)
        for name, entry in zip(display_names(entries), entries, strict=True)
        for kind, scores in (
            ("ranking", entry.scores),
            ("search", entry.search_scores),
            ("fresh", entry.fresh_scores),
        )
        for seed, score in scores.items()
        if kind != "search" or seed not in entry.scores
    ]
    return pd.DataFrame(rows, columns=["label", "config_id", "seed", "score", "kind"])


def mean_points(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row per entry with a complete set of seeds, in columns label, config_id, mean, low, high, n."""
    rows = [
        (name, entry.config_id, cell_text.mean, cell_text.low, cell_text.high, cell_text.n)
        for name, entry in zip(display_names(entries), entries, strict=True)
        if (cell_text := entry.best_known_interval) is not None
    ]
    return pd.DataFrame(rows, columns=["label", "config_id", "mean", "low", "high", "n"])


def display_names(entries: Sequence[Entry]) -> list[str]:
    """A unique label for each entry. Equal labels get a part of the config_id."""
    labels = [entry.label for entry in entries]
    return [
        label if labels.count(label) == 1 else f"{label} {entry.config_id[:6]}"
        for label, entry in zip(labels, entries, strict=True)
    ]


_KINDS = (
    ("search", "search seed", "circle-open"),
    ("ranking", "one seed", "circle"),
    ("fresh", "evaluation seed", "diamond"),
)


def draw_leaderboard(entries: Sequence[Entry], board: Leaderboard, selected: str | None) -> go.Figure:
    """One line per configuration: dots for seeds, the mean with its interval, a hollow dot for the search's score."""
    points, means = seed_points(entries), mean_points(entries)
    names = display_names(entries)
    colours = {
        name: COLOURS[0] if entry.config_id == selected else QUIET
        for name, entry in zip(names, entries, strict=True)
    }
    figure = go.Figure()
    figure.add_scatter(
        x=means["mean"].tolist(),
        y=means["label"].tolist(),
        mode="markers",
        name="mean, 95% t interval",
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 3, "color": COLOURS[1]}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": _lengths(means["high"], means["mean"]),
            "arrayminus": _lengths(means["mean"], means["low"]),
            "thickness": 1.5,
            "width": 5,
            "color": COLOURS[1],
        },
        hovertemplate="%{y}, mean: %{x:.4f}<extra></extra>",
    )
    for kind, title, symbol in _KINDS:
        some = points[points["kind"] == kind]
        if some.empty and kind == "fresh":
            continue
        figure.add_scatter(
            x=some["score"].tolist(),
            y=some["label"].tolist(),
            mode="markers",
            name=title,
            text=[f"seed {seed}" for seed in some["seed"]],
            hovertemplate="%{y}, %{text}: %{x:.4f}<extra></extra>",
            marker={
                "symbol": symbol,
                "size": 9,
                "opacity": 0.75,
                "line": {"width": 1.5 if kind == "search" else 0},
                "color": [colours[label] for label in some["label"]],
            },
        )
    figure.update_layout(
        height=110 + _ROW_HEIGHT * max(len(entries), 2),
        xaxis_title=f"validation {board.metric} ({better(board.direction)})",
        yaxis={"categoryorder": "array", "categoryarray": names[::-1], "type": "category"},
    )
    return plain(figure)


def _lengths(upper: pd.Series, lower: pd.Series) -> list[float]:
    """The distances from `lower` to `upper`; 0 where an end is missing, because one seed has no interval."""
    gaps: list[float] = (upper.astype("float64") - lower.astype("float64")).fillna(0.0).tolist()
    return gaps
