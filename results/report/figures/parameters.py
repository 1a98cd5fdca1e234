"""Parameters against search scores: slices of one parameter each, and parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from results.records.manifest import SweepManifest
from results.report.figures.style import COLOURS, SCALE, cell_text, plain

_LOG_FROM = 30.0
"""The least ratio of the largest to the smallest value for which positive numbers get a logarithmic axis."""
_ACROSS = 3
_BANDS = 8
"""The number of colours of parallel lines, by the rank of the scores. The best score has the last colour."""
_CROWDED = 150
"""The least number of configurations for thin parallel lines without points, because many points are slow to draw."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of a parameter's values.

    Attributes:
        path: the dotted path of the parameter.
        categories: its values in order, as text. Empty for numbers.
        is_log: whether the axis is logarithmic.
    """

    path: str
    categories: tuple[str, ...] = ()
    is_log: bool = False

    @staticmethod
    def of(path: str, values: pd.Series) -> Axis:
        """The axis that fits the recorded values. Nulls have no place on it."""
        there = values.dropna()
        if there.dtype.kind not in "fiu":
            return Axis(path, tuple(sorted({cell_text(value) for value in there})))
        low, high = float(there.min()), float(there.max())
        return Axis(path, is_log=low > 0 and high >= _LOG_FROM * low)

    def places(self, values: pd.Series) -> list[float | None]:
        """Each value's place from 0, the least, to 1. None for a null."""
        numbers = [None if pd.isna(value) else self._number(value) for value in values]
        there = [number for number in numbers if number is not None]
        low, high = min(there, default=0.0), max(there, default=0.0)
        if self.categories:
            low, high = 0.0, len(self.categories) - 1.0
        width = high - low
        return [None if n is None else 0.5 if width == 0 else (n - low) / width for n in numbers]

    def _number(self, value: Any) -> float:
        if self.categories:
            return float(self.categories.index(cell_text(value)))
        return math.log10(value) if self.is_log else float(value)


def draw_slices(frame: pd.DataFrame, manifest: SweepManifest, selected: str | None) -> go.Figure:
    """One panel per parameter: the search score of each configuration against its value. Later proposals are darker.

    Args:
        frame: the search table (see `results.ranking.search_table`).
        manifest: the sweep's manifest.
        selected: the config_id to mark. None: no mark.
    """
    paths = list(manifest.parameters)
    rows = math.ceil(len(paths) / _ACROSS)
    figure = make_subplots(
        rows, _ACROSS, shared_yaxes="all", horizontal_spacing=0.03, vertical_spacing=0.34 / rows
    )
    age = np.linspace(0.25, 0.9, max(len(frame), 1))
    for index, path in enumerate(paths):
        row, column = index // _ACROSS + 1, index % _ACROSS + 1
        there = frame[path].notna().to_numpy()
        some, axis = frame[there], Axis.of(path, frame[path])
        chosen = (some["config_id"] == selected).tolist()
        figure.add_scatter(
            x=[cell_text(v) for v in some[path]] if axis.categories else some[path].tolist(),
            y=some["score"].tolist(),
            mode="markers",
            text=[f"{name}, {state}" for name, state in zip(some["name"], some["state"], strict=True)],
            marker={
                "size": [12 if is_it else 7 for is_it in chosen],
                "symbol": ["diamond" if is_it else "circle" for is_it in chosen],
                "color": [COLOURS[1] if is_it else COLOURS[0] for is_it in chosen],
                "opacity": [1.0 if is_it else float(a) for is_it, a in zip(chosen, age[there], strict=True)],
            },
            showlegend=False,
            hovertemplate="%{text}<br>%{x}: %{y:.4f}<extra></extra>",
            row=row,
            col=column,
        )
        kind = {"type": "category", "categoryarray": list(axis.categories)} if axis.categories else {}
        figure.update_xaxes(
            title={"text": path, "font": {"size": 12}, "standoff": 6},
            type="log" if axis.is_log else None,
            exponentformat="power",
            nticks=5,
            row=row,
            col=column,
        )
        figure.update_xaxes(kind, row=row, col=column)
    figure.update_yaxes(title_text=f"search {manifest.monitor}", col=1)
    figure.update_layout(height=60 + 230 * rows)
    return plain(figure)


def draw_parallel(frame: pd.DataFrame, manifest: SweepManifest) -> go.Figure:
    """One line per configuration through its values and its score, coloured by score. The best is drawn last.

    It is drawn as plain lines: the library's own parallel coordinates need WebGL, and print as nothing.
    """
    paths = list(manifest.parameters)
    score = Axis("score")
    columns = [Axis.of(path, frame[path]).places(frame[path]) for path in paths]
    columns.append(score.places(frame["score"]))
    names = [*paths, f"search {manifest.monitor}"]
    values = [*(frame[path] for path in paths), frame["score"]]
    order = frame["score"].rank(method="first", ascending=manifest.direction == "max").to_numpy() - 1
    bands = np.floor(order / max(len(frame) - 1, 1) * (_BANDS - 1) + 0.5).astype(int)
    figure, crowded = go.Figure(), len(frame) > _CROWDED
    for band in range(_BANDS):
        members = np.flatnonzero(bands == band)
        if len(members):
            x, y, text = _lines(members.tolist(), columns, values, frame["name"].tolist(), names)
            figure.add_scatter(
                x=x,
                y=y,
                text=text,
                mode="lines" if crowded else "lines+markers",
                marker={"size": 4},
                line={
                    "color": SCALE[band],
                    "width": (1.4 if crowded else 2.5) if band == _BANDS - 1 else 1.2,
                },
                opacity=1.0 if band == _BANDS - 1 else 0.3 if crowded else 0.65,
                name=_band_name(frame["score"].to_numpy()[members]),
                hovertemplate="%{text}<extra></extra>",
            )
    _ends(figure, columns, values, paths)
    figure.update_layout(
        height=460,
        xaxis={"tickvals": list(range(len(names))), "ticktext": [_broken(name) for name in names]},
        yaxis={"visible": False, "range": [-0.14, 1.14]},
    )
    return plain(figure)


def _lines(
    members: Sequence[int],
    columns: Sequence[Sequence[float | None]],
    values: Sequence[pd.Series],
    labels: Sequence[str],
    names: Sequence[str],
) -> tuple[list[float | None], list[float | None], list[str]]:
    """The lines of some configurations one after another, separated by gaps. Nulls are skipped."""
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for member in members:
        for place, (column, value, name) in enumerate(zip(columns, values, names, strict=True)):
            if column[member] is not None:
                x.append(place)
                y.append(round(column[member] or 0.0, 4))
                text.append(f"{labels[member]}, {name}: {cell_text(value.iloc[member])}")
        x.append(None)
        y.append(None)
        text.append("")
    return x, y, text


def _ends(
    figure: go.Figure,
    columns: Sequence[Sequence[float | None]],
    values: Sequence[pd.Series],
    paths: Sequence[str],
) -> None:
    """The texts at the ends of each axis, or at each category."""
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        found = [(y, cell_text(v)) for y, v in zip(column, value, strict=True) if y is not None]
        is_category = place < len(paths) and bool(Axis.of(paths[place], value).categories)
        wanted = sorted(set(found)) if is_category else sorted({min(found), max(found)}) if found else []
        for y, words in wanted:
            shift = 0 if is_category and 0 < y < 1 else 12 if y >= 0.5 else -12
            figure.add_annotation(
                x=place,
                y=y,
                text=words,
                showarrow=False,
                yshift=shift,
                font={"size": 11},
                bgcolor="rgba(0,0,0,0)",
            )


def _band_name(scores: Any) -> str:
    low, high = f"{scores.min():.4f}", f"{scores.max():.4f}"
    return low if low == high else f"{low} to {high}"


def _broken(path: str) -> str:
    """A path on several lines, because the axes are close to each other."""
    return "<br>".join(path.split("."))
