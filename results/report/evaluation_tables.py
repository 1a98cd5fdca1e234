"""The tables of the final evaluation: scores, missing modalities, contributions, debiasing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from causalmer_core.basics.modality import MODALITIES
from results.evaluation.debiasing_table import debiasing_lines
from results.evaluation.evaluation_table import (
    PRESENT,
    SUBSET_NAMES,
    as_configured,
    evaluated_contenders,
)
from results.evaluation.modality_table import (
    REPLACED_BY,
    ContributionLine,
    contribution_lines,
    gap_lines,
    label_lines,
    rate_points,
)
from results.ranking.selection import read_selection
from results.records.dataset import SweepResults
from results.report.table import Cell, Column, Table, mean_alone, mean_with_ends

_OF_CONTENDER = (Column(None, "prediction"), Column(None, "config_id"))


def final_evaluation_tables(results: SweepResults) -> list[Table]:
    """The scores on the test split, and each other table that has rows."""
    selection = read_selection(results.layout)
    by_label = [] if selection is None else label_lines(results, selection.config_id)
    contributions = (
        f"contributions to test {results.manifest.monitor}: exact Shapley values over the subsets of modalities; our "
        "measure"
    )
    others = (
        _gaps(results),
        _contributions("contributions", contributions, contribution_lines(results)),
        _contributions(
            "label_contributions", "the same for the selected configuration, one label at a time", by_label
        ),
        _rates(results),
        _debiasing(results, None if selection is None else selection.config_id),
    )
    return [_scores(results), *(table for table in others if table.rows)]


def _scores(results: SweepResults) -> Table:
    """Each contender's mean with its interval, and its means with modalities removed."""
    metric = results.manifest.monitor
    rows = []
    for contender in as_configured(evaluated_contenders(results.evaluations, results.manifest.metrics)):
        whole, *parts = (contender.interval(metric, present) for present in PRESENT)
        if whole is not None and contender.config_id is None:
            # A baseline without seeds has one value, and nothing to say of an interval.
            rows.append([contender.name, contender.prediction, None, Cell(whole, mean_alone(whole)), *parts])
        else:
            rows.append([contender.name, contender.prediction, contender.config_id, whole, *parts])
    seeds = ", ".join(map(str, results.manifest.test_seeds))
    return Table(
        "test_scores",
        f"test {metric}, mean over seeds {seeds}, by the modalities present",
        (
            Column("contender"),
            Column("predicts by", "prediction"),
            Column(None, "config_id"),
            Column("all modalities [95% t interval]", "all"),
            *_subsets(),
        ),
        rows,
        () if rows else ("the test split has not been opened",),
        labels=2,
    )


def _gaps(results: SweepResults) -> Table:
    return Table(
        "modality_gaps",
        f"when a modality is missing: how much worse test {results.manifest.monitor} is with what is left; mean and "
        "standard deviation over the six subsets with one or two missing [95% t interval]",
        (
            Column("contender"),
            *_OF_CONTENDER,
            Column("replaced by", "replaced_by"),
            *_subsets(),
            Column("mean", align="right", form=mean_alone),
            Column("std", align="right", form=mean_with_ends),
        ),
        [
            (
                line.contender.name,
                line.contender.prediction,
                line.contender.config_id,
                Cell(line.ablation, REPLACED_BY[line.ablation]),
                *(line.gaps[present] for present in PRESENT[1:]),
                line.mean,
                line.std,
            )
            for line in gap_lines(results)
        ],
        labels=2,
    )


def _subsets() -> Iterator[Column]:
    return (Column(SUBSET_NAMES[present], present, "right", mean_alone) for present in PRESENT[1:])


def _contributions(name: str, title: str, lines: Sequence[ContributionLine]) -> Table:
    first = Column("to", "metric") if lines and lines[0].label else Column("contender")
    return Table(
        name,
        title,
        (
            first,
            *_OF_CONTENDER,
            Column("replaced by", "replaced_by"),
            *(Column(modality.value, align="right", form=mean_with_ends) for modality in MODALITIES),
            Column("sum: all over none", "sum", "right", mean_alone),
        ),
        [
            (
                line.metric if line.label else line.contender.name,
                line.contender.prediction,
                line.contender.config_id,
                Cell(line.ablation, REPLACED_BY[line.ablation]),
                *(line.contributions[modality] for modality in MODALITIES),
                line.total,
            )
            for line in lines
        ],
        labels=2,
    )


def _rates(results: SweepResults) -> Table:
    points = rate_points(results)
    rates = sorted({point.rate for point in points})
    means = {(point.label, point.ablation, point.rate): point.interval for point in points}
    return Table(
        "missing_steps",
        f"when steps are missing: test {results.manifest.monitor} by the share of all modalities' steps that is lost",
        (
            Column("contender"),
            Column("lost"),
            *(Column(f"{rate:g}", align="right", form=mean_alone) for rate in rates),
        ),
        [
            (
                label,
                Cell(ablation, ablation.replace("_", " ")),
                *(means.get((label, ablation, rate)) for rate in rates),
            )
            for label, ablation in dict.fromkeys((point.label, point.ablation) for point in points)
        ],
        labels=2,
    )


def _debiasing(results: SweepResults, config_id: str | None) -> Table:
    metric = results.manifest.monitor
    rows: list[tuple[Any, ...]] = []
    for line in [] if config_id is None else debiasing_lines(results, config_id):
        kept = f"; paper's kept for {line.kept_paper} of the seeds" if line.kept_paper else ""
        weights = (
            None if line.weights is None else Cell(line.weights, " ".join(f"{w:.2f}" for w in line.weights))
        )
        rows.append(
            (
                line.prediction,
                line.name + kept,
                weights,
                line.constants,
                line.valid_gain,
                None if line.test is None else line.test.interval(metric),
                None if line.test_gain is None else line.test_gain.interval,
            )
        )
    return Table(
        "debiasing",
        f"debiasing after training: gains in {metric} over the paper's weights, positive is better; validation over "
        "folds, test over seeds [95% t interval]",
        (
            Column("prediction"),
            Column("", "description"),
            Column("weights t a v", "weights"),
            Column(None, "constants"),
            Column("validation gain", "validation_gain"),
            Column(f"test {metric}", "test"),
            Column("test gain", "test_gain"),
        ),
        rows,
    )
