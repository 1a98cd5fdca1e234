"""Learning curves: thin lines for the seeds, thick lines with bands for their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from results.ranking.leaderboard import Entry
from results.records.manifest import SweepManifest
from results.report.figures.leaderboard import display_names
from results.report.figures.style import COLOURS, better, plain
from results.statistics.intervals import t_interval

LEAST_BAND_SEEDS = 3
"""The least number of seeds for a band. With two seeds it is so wide that it hides all other curves."""


def seed_curves(epochs: pd.DataFrame, entries: Sequence[Entry], manifest: SweepManifest) -> pd.DataFrame:
    """The monitored validation metric by epoch, in columns label, config_id, seed, epoch, value.

    The seeds are the evaluation seeds if the configuration ran on them, else the ranking seeds.
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
    """The mean over seeds by epoch, with its 95% t interval, in columns label, config_id, epoch, value, low, high.

    One seed has no interval.
    """
    # Only epochs that all seeds reached: after an early stop the mean would be over fewer seeds, and jump.
    columns = ["label", "config_id", "epoch", "value", "low", "high"]
    if curves.empty:
        return pd.DataFrame(columns=columns)
    curves = curves.dropna(subset=["value"])
    seeds = curves.groupby("config_id")["seed"].nunique().to_dict()
    rows = []
    for (label, config_id, epoch), group in curves.groupby(["label", "config_id", "epoch"]):
        if group["seed"].nunique() == seeds[config_id]:
            interval = t_interval(group["value"].tolist())
            rows.append((label, config_id, epoch, interval.mean, interval.low, interval.high))
    return pd.DataFrame(rows, columns=columns)


def draw_curves(curves: pd.DataFrame, manifest: SweepManifest, order: Sequence[str]) -> go.Figure:
    """The means over seeds with bands of their intervals, and thin lines of the seeds behind them.

    Args:
        curves: as from `seed_curves`.
        manifest: the sweep's manifest.
        order: the labels, in the order of the colours.
    """
    figure, seeds = go.Figure(), curves.groupby("label")["seed"].nunique()
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
        if len(curve) and seeds[label] >= LEAST_BAND_SEEDS:
            figure.add_scatter(
                x=[*curve["epoch"], *curve["epoch"][::-1]],
                y=[*curve["low"], *curve["high"][::-1]],
                mode="lines",
                line={"width": 0},
                fill="toself",
                fillcolor=colours[label],
                opacity=0.12,
                legendgroup=label,
                showlegend=False,
                hoverinfo="skip",
            )
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
        yaxis_title=f"validation {manifest.monitor} ({better(manifest.direction)})",
    )
    return plain(figure)


def _epoch_step(curves: pd.DataFrame) -> int:
    """The distance, in epochs, of about ten whole-numbered ticks."""
    return max(1, round(int(curves["epoch"].max()) / 10))
