"""The report's figures: the numbers first, as plain frames, then the drawing.

Colours of axes and text are left to the page, which knows whether it is light or dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import pandas as pd
import plotly.graph_objects as go

from results.leaderboard import Entry, Leaderboard
from results.manifest import Manifest
from results.modality_table import RatePoint

COLOURS = ("#2f7fd1", "#d9822b", "#1f9d78", "#b95fa8", "#7d6fd6", "#8c8f3a", "#c4554d", "#3fa3b5")
"""Legible on white and on near-black, told apart by colour-blind readers in this order."""
QUIET = "#8a919c"
_ROW_HEIGHT = 34


def seed_points(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row a score: columns label, config_id, seed, score, kind (`ranking`, `search`, or `fresh` for seeds that no
    selection sees).
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
    """One row an entry with a complete set: columns label, config_id, mean, low, high, n."""
    rows = [
        (name, entry.config_id, shown.mean, shown.low, shown.high, shown.n)
        for name, entry in zip(display_names(entries), entries, strict=True)
        if (shown := entry.standing) is not None
    ]
    return pd.DataFrame(rows, columns=["label", "config_id", "mean", "low", "high", "n"])


def seed_curves(epochs: pd.DataFrame, entries: Sequence[Entry], manifest: Manifest) -> pd.DataFrame:
    """The monitored validation metric by epoch: label, config_id, seed, epoch, value.

    On the seeds that no selection sees, for a configuration that ran on them; else on the ranking seeds.
    """
    names = dict(zip([entry.config_id for entry in entries], display_names(entries), strict=True))
    of_entries = epochs[epochs["config_id"].isin(list(names))]
    fresh = of_entries["seed"].isin(manifest.evaluate_seeds)
    has_fresh = of_entries["config_id"].isin(of_entries.loc[fresh, "config_id"])
    chosen = of_entries[fresh | (~has_fresh & of_entries["seed"].isin(manifest.ranking_seeds))]
    curves = chosen[["config_id", "seed", "epoch"]].assign(
        label=chosen["config_id"].map(names), value=chosen[f"valid_{manifest.monitor}"]
    )
    return curves.sort_values(["config_id", "seed", "epoch"], ignore_index=True)


def mean_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds: label, config_id, epoch, value; only at epochs that all of its seeds reached.

    Further on, where some seeds have stopped early, the mean would be one of other seeds and jump.
    """
    if curves.empty:
        return pd.DataFrame(columns=["label", "config_id", "epoch", "value"])
    curves = curves.dropna(subset=["value"])
    seeds = curves.groupby("config_id")["seed"].nunique()
    means = curves.groupby(["label", "config_id", "epoch"], as_index=False).agg(
        value=("value", "mean"), n=("seed", "nunique")
    )
    whole = means[means["n"] == means["config_id"].map(seeds)]
    return whole.drop(columns="n").reset_index(drop=True)


def display_names(entries: Sequence[Entry]) -> list[str]:
    """A label for each entry, told apart by the identity where two labels are the same."""
    labels = [entry.label for entry in entries]
    return [
        label if labels.count(label) == 1 else f"{label} {entry.config_id[:6]}"
        for label, entry in zip(labels, entries, strict=True)
    ]


_KINDS = (
    ("search", "search seed", "circle-open"),
    ("ranking", "one seed", "circle"),
    ("fresh", "seed that no selection saw", "diamond"),
)


def draw_leaderboard(entries: Sequence[Entry], board: Leaderboard, selected: str | None) -> go.Figure:
    """Each configuration on a line: its seeds as dots, its mean with the interval, the search's score
    hollow.
    """
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
        xaxis_title=f"validation {board.metric} ({_better(board.direction)})",
        yaxis={"categoryorder": "array", "categoryarray": names[::-1], "type": "category"},
    )
    return _plain(figure)


def draw_curves(curves: pd.DataFrame, manifest: Manifest, order: Sequence[str]) -> go.Figure:
    """The means over seeds in full colour, the seeds faint behind them; `order` names the labels."""
    figure = go.Figure()
    colours: Mapping[str, str] = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(order)}
    for (label, seed), curve in curves.groupby(["label", "seed"], sort=False):
        figure.add_scatter(
            x=curve["epoch"].tolist(),
            y=curve["value"].tolist(),
            mode="lines",
            line={"color": colours[str(label)], "width": 1},
            opacity=0.35,
            legendgroup=str(label),
            showlegend=False,
            hovertemplate=f"{label}, seed {seed}, epoch %{{x}}: %{{y:.4f}}<extra></extra>",
        )
    means = mean_curves(curves)
    for label in order:
        curve = means[means["label"] == label]
        figure.add_scatter(
            x=curve["epoch"].tolist(),
            y=curve["value"].tolist(),
            mode="lines+markers",
            line={"color": colours[label], "width": 3},
            marker={"size": 5},
            name=label,
            legendgroup=label,
            hovertemplate=f"{label}, mean, epoch %{{x}}: %{{y:.4f}}<extra></extra>",
        )
    figure.update_layout(
        height=420,
        xaxis={"title": "epoch", "tick0": 0, "dtick": _epoch_step(curves)},
        yaxis_title=f"validation {manifest.monitor} ({_better(manifest.direction)})",
    )
    return _plain(figure)


def draw_rates(points: Sequence[RatePoint], manifest: Manifest) -> go.Figure:
    """The mean over seeds against the share of steps that is lost: a colour a contender, at random drawn through, in
    spans dashed. Intervals are shown where the reader points: side by side they would hide the curves.
    """
    figure = go.Figure()
    labels = list(dict.fromkeys(point.label for point in points))
    colours = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)}
    for (label, removal), group in groupby(points, key=lambda point: (point.label, point.removal)):
        curve = list(group)
        words = removal.replace("_", " ")
        figure.add_scatter(
            x=[point.rate for point in curve],
            y=[point.interval.mean for point in curve],
            mode="lines+markers",
            line={"color": colours[label], "width": 2.5, "dash": "dash" if removal == "spans" else "solid"},
            marker={"size": 6},
            name=f"{label}, {words}",
            text=[str(point.interval) for point in curve],
            hovertemplate=f"{label}, {words}, share %{{x}}: %{{text}}<extra></extra>",
        )
    figure.update_layout(
        height=420,
        xaxis={"title": "share of the steps of all modalities that is lost", "rangemode": "tozero"},
        yaxis_title=f"test {manifest.monitor} ({_better(manifest.direction)})",
    )
    return _plain(figure)


def _lengths(upper: pd.Series, lower: pd.Series) -> list[float]:
    """The distances, 0 where an end is missing: one seed has no interval."""
    gaps: list[float] = (upper.astype("float64") - lower.astype("float64")).fillna(0.0).tolist()
    return gaps


def _epoch_step(curves: pd.DataFrame) -> int:
    """The distance of whole-numbered ticks, about ten of them."""
    return max(1, round(int(curves["epoch"].max()) / 10))


def _better(direction: str) -> str:
    return "higher is better" if direction == "max" else "lower is better"


def _plain(figure: go.Figure) -> go.Figure:
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 64, "r": 16, "t": 40, "b": 56},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        hovermode="closest",
    )
    figure.update_yaxes(automargin=True)
    return figure
