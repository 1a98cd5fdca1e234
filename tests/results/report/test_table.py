"""A table's renderings: texts for readers, raw values for programs."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

from results.records.schemas import RunState
from results.report.table import Cell, Column, Table, as_csv, as_json, as_latex, as_markdown, mean_with_ends
from results.statistics.intervals import t_interval

INTERVAL = t_interval([0.1, 0.2, 0.4])
TABLE = Table(
    "kinds",
    "50% of it",
    (
        Column("group", once=True),
        Column("part", once=True),
        Column("a_b", "mean", "right", mean_with_ends),
        Column(None, "state"),
        Column("seen", None),
    ),
    [
        ("x", "1", INTERVAL, RunState.FINISHED, "one"),
        ("x", "2", None, {"seed": np.int64(3)}, "two"),
        ("y", "2", Cell(math.nan, "nan & more", strong=True), [1, None], "a|b"),
    ],
    ["see x^2"],
)


def test_readers_see_texts_with_unchanged_ones_once_and_a_dash_for_none() -> None:
    assert TABLE.headings == ["group", "part", "a_b", "seen"]
    assert [[cell.text for cell in row] for row in TABLE.cells] == [
        ["x", "1", str(INTERVAL), "one"],
        ["", "2", "–", "two"],
        ["y", "2", "nan & more", "a|b"],
    ]


def test_json_has_raw_values_and_no_nan() -> None:
    told = json.loads(as_json([TABLE]), parse_constant=pytest.fail)
    first, second, third = told["kinds"]
    assert told["notes"] == ["50% of it", "see x^2"]
    assert first["mean"]["low"] == INTERVAL.low
    assert (first["state"], second["state"], third["state"]) == ("finished", {"seed": 3}, [1, None])
    assert (second["mean"], third["mean"]) == (None, None)
    assert "seen" not in first


def test_csv_gives_the_parts_of_a_value_columns_of_their_own() -> None:
    first, second, third = csv.DictReader(io.StringIO(as_csv(TABLE)))
    assert float(first["mean.high"]) == INTERVAL.high
    assert (first["state"], second["state.seed"], third["state"]) == ("finished", "3", "[1, null]")
    assert second["mean.mean"] == ""
    empty = Table("empty", "", TABLE.columns, [])
    assert as_csv(empty) == "group,part,mean,state\n"


def test_markdown_and_latex_escape_texts_and_keep_what_is_strong() -> None:
    assert as_markdown(TABLE).splitlines()[-6:] == [
        "|  | 2 | – | two |",
        "| y | 2 | **nan & more** | a\\|b |",
        "",
        "50% of it",
        "",
        "see x^2",
    ]
    latex = as_latex(TABLE)
    assert "y & 2 & \\textbf{nan \\& more} & a|b \\\\" in latex
    assert "\\begin{tabular}{llrl}" in latex
    assert "a\\_b" in latex
    assert "\\caption{50\\% of it see x\\textasciicircum{}2}" in latex
