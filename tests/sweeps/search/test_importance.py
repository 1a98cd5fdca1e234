"""Importance of parameters: what the scores follow from is found, and little is said of little."""

from __future__ import annotations

import re
from pathlib import Path

import handmade
import pytest
from tiny_sweep import YAML, begin, checked_sweep, record_run

from results.records.layout import SweepLayout
from results.storage.journal import Journal
from sweeps.jobs.job import Job
from sweeps.search.importance import LEAST_CONFIGURATIONS, parameter_importance
from sweeps.spec.configurations import Configurations

SPACE = """\
space:
  loss.alpha: {float: [0.1, 1.0]}
  model.backbone.layers: {int: [1, 4]}
  loss.beta: {float: [0.1, 1.0], when: {model.backbone.layers: [1, 2]}}
search:"""
TEXT = re.sub(r"(?s)space:.*?\nsearch:", SPACE, YAML)


def searched_sweep(folder: Path, count: int) -> tuple[SweepLayout, Configurations]:
    """A search whose scores are alpha's alone."""
    sweep = checked_sweep(folder, TEXT)
    begin(sweep)
    base = sweep.configurations.base
    with Journal.open(sweep.layout.proposals) as journal:
        for number in range(count):
            alpha, layers = 0.1 + 0.9 * number / max(count - 1, 1), 1 + number % 4
            values = {"loss.alpha": alpha, "model.backbone.layers": layers}
            if layers <= 2:
                values["loss.beta"] = 0.5 + 0.01 * number
            journal.append({"kind": "proposal", "number": number, "values": values})
            job = Job(base.with_values(values), (0,), "search", "candidate", number, values)
            record_run(sweep.layout, job, [alpha])
    return sweep.layout, sweep.configurations


def test_the_parameter_that_scores_follow_from_is_the_important_one(tmp_path: Path) -> None:
    found = parameter_importance(*searched_sweep(tmp_path, 24))
    assert [one.method for one in found] == ["fANOVA", "PED-ANOVA"]
    for one in found:
        assert next(iter(one.shares)) == "loss.alpha"
        assert one.shares["loss.alpha"] > 0.8
        assert sum(one.shares.values()) == pytest.approx(1)
        assert set(one.shares) == {"loss.alpha", "model.backbone.layers"}, "beta is not in all of them"
        assert one.configurations == 24


def test_equal_records_give_equal_numbers(tmp_path: Path) -> None:
    layout, configurations = searched_sweep(tmp_path, 16)
    assert parameter_importance(layout, configurations) == parameter_importance(layout, configurations)


def test_of_a_few_configurations_nothing_is_said(tmp_path: Path) -> None:
    assert parameter_importance(*searched_sweep(tmp_path, LEAST_CONFIGURATIONS - 1)) == []


def test_of_a_sweep_that_proposed_nothing_nothing_is_said(tmp_path: Path) -> None:
    assert parameter_importance(handmade.empty_sweep(tmp_path), Configurations({})) == []
