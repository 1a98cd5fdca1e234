"""What was chosen after training is on record as it was chosen first, and the tables say what it gains."""

from __future__ import annotations

from pathlib import Path

import handmade
import pytest

from causalmer_core.debiasing.vector import DebiasingVector, fixed
from results.evaluation.debiasing_records import VectorRecord, append_record, read_records
from results.evaluation.debiasing_table import debiasing_lines
from results.evaluation.evaluation_table import as_configured, evaluated_contenders
from results.ranking.selection import select
from results.records.dataset import open_sweep
from results.records.layout import SweepLayout
from results.records.schemas import VECTOR_COLUMNS
from results.report.evaluation_tables import final_evaluation_tables
from results.report.report import write_report
from results.storage.journal import Journal
from sweeps.cli.output import show

PAPER = fixed((0.1, 0.2, 0.3))
FOUND = DebiasingVector(0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
GAINS = (0.02, 0.04, 0.06)
TEST_GAINS = {"tie:paper": 0.0, "tie:learned": 0.03, "tie:searched": 0.0, "factual": -0.01, "backbone": -0.02}
WINNER = handmade.config_id(handmade.WINNER)


def records() -> list[VectorRecord]:
    return [
        VectorRecord("paper", PAPER, 0.7),
        VectorRecord("configured", PAPER, 0.7),
        VectorRecord("learned", FOUND, 0.74, GAINS),
        VectorRecord("searched", PAPER, 0.7, (0.0, 0.01, -0.01), "the paper's vector was kept"),
    ]


def write_vectors(layout: SweepLayout) -> None:
    with Journal.open(layout.debiasing_journal) as journal:
        for seed in handmade.CONFIRM_SEEDS:
            for record in records():
                append_record(journal, handmade.key(handmade.WINNER, seed), record)


def write_predictions(layout: SweepLayout) -> None:
    by_prediction = {f"tie:{record.method}": record.columns() for record in records()}
    with Journal.open(layout.evaluation_journal) as journal:
        for seed in handmade.CONFIRM_SEEDS:
            for prediction, gain in TEST_GAINS.items():
                for present in handmade.SUBSETS:
                    accuracy = handmade.test_accuracy(handmade.WINNER, seed, present) + gain
                    row = handmade.evaluation("selected", WINNER, seed, present, accuracy)
                    journal.append({**row, "prediction": prediction, **by_prediction.get(prediction, {})})


@pytest.fixture
def layout(tmp_path: Path) -> SweepLayout:
    """The hand-made sweep, selected, with vectors and with what they predict."""
    sweep = handmade.whole_sweep(tmp_path)
    select(open_sweep(sweep))
    write_vectors(sweep)
    write_predictions(sweep)
    return sweep


def test_a_record_is_read_as_it_was_written(layout: SweepLayout) -> None:
    found = read_records(layout)
    assert set(found) == {handmade.key(handmade.WINNER, seed) for seed in handmade.CONFIRM_SEEDS}
    for by_method in found.values():
        assert list(by_method.values()) == records()


def test_without_a_journal_there_are_none(tmp_path: Path) -> None:
    assert read_records(handmade.empty_sweep(tmp_path)) == {}


def test_the_first_record_of_a_run_and_method_counts(layout: SweepLayout) -> None:
    key = handmade.key(handmade.WINNER, 1)
    with Journal.open(layout.debiasing_journal) as journal:
        append_record(journal, key, VectorRecord("learned", PAPER, 0.99, (0.5, 0.5, 0.5)))
    assert read_records(layout)[key]["learned"] == records()[2]


def test_the_evaluations_table_has_the_numbers_of_a_tie_and_none_elsewhere(layout: SweepLayout) -> None:
    rows = open_sweep(layout).evaluations.set_index("prediction")
    learned = rows.loc["tie:learned", list(VECTOR_COLUMNS)].drop_duplicates()
    (values,) = learned.to_numpy().tolist()
    assert values[:7] == pytest.approx([0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 0.04])
    assert values[7] < 0.04 < values[8]
    assert rows.loc["tie:paper", ["valid_gain", "valid_gain_low", "valid_gain_high"]].isna().all(axis=None)
    assert rows.loc["factual", list(VECTOR_COLUMNS)].isna().all(axis=None)


def test_gains_are_over_the_papers_vector_on_folds_and_on_test_seeds(layout: SweepLayout) -> None:
    lines = {line.prediction: line for line in debiasing_lines(open_sweep(layout), WINNER)}
    assert list(lines) == ["tie", "tie:paper", "tie:learned", "tie:searched", "factual", "backbone"]
    learned = lines["tie:learned"]
    assert learned.weights == pytest.approx((0.5, 1.0, 2.0))
    assert learned.valid_gain is not None
    assert (learned.valid_gain.mean, learned.valid_gain.n) == (pytest.approx(0.04), 3)
    assert learned.test_gain is not None
    assert learned.test_gain.interval.mean == pytest.approx(0.03)
    assert lines["backbone"].test_gain is not None
    assert lines["backbone"].test_gain.interval.mean == pytest.approx(-0.02)
    assert lines["tie:paper"].test_gain is None
    assert lines["tie:searched"].kept_paper == 3


def test_a_gain_in_an_error_is_positive_where_the_error_falls(layout: SweepLayout) -> None:
    handmade.redigested(layout.manifest, direction="min")
    lines = {line.prediction: line for line in debiasing_lines(open_sweep(layout), WINNER)}
    assert lines["tie:learned"].test_gain is not None
    assert lines["tie:learned"].test_gain.interval.mean == pytest.approx(-0.03)


def test_before_the_test_split_is_opened_the_validation_gains_stand_alone(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.write_runs(layout)
    write_vectors(layout)
    lines = debiasing_lines(open_sweep(layout), WINNER)
    assert [line.prediction for line in lines] == ["tie", "tie:paper", "tie:learned", "tie:searched"]
    assert all(line.test is None for line in lines)


def test_what_was_chosen_after_training_never_passes_for_the_configured_prediction(
    layout: SweepLayout,
) -> None:
    results = open_sweep(layout)
    found = evaluated_contenders(results.evaluations, results.manifest.metrics)
    assert [c.prediction for c in found if c.name == "selected"] == [
        "tie",
        "tie:paper",
        "tie:learned",
        "tie:searched",
        "factual",
        "backbone",
    ]
    assert [(c.name, c.prediction) for c in as_configured(found)] == [
        ("selected", "tie"),
        ("paper", "tie"),
        ("undebiased", "factual"),
        ("majority", "factual"),
    ]


def test_the_report_and_the_terminal_show_every_prediction_whichever_wins(
    layout: SweepLayout, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write_report(layout).read_text(encoding="utf-8")
    section = page[page.index("<h2>Debiasing after training") : page.index("<h2>Runs")]
    assert "0.0400" in section
    assert "0.0300" in section
    assert "-0.0200" in section
    assert "paper's vector kept for 3 seeds" in section.replace("&#39;", "'")
    show(final_evaluation_tables(open_sweep(layout)))
    printed = capsys.readouterr().out
    assert "debiasing after training: gains in accuracy" in printed
    (learned,) = [line for line in printed.splitlines() if line.startswith("tie:learned")]
    assert "0.50 1.00 2.00  0.0400 [-0.0097, 0.0897]  0.7500" in learned
    assert "On the test split it reaches <b>0.7200" in page


def test_a_sweep_without_such_vectors_does_not_speak_of_them(tmp_path: Path) -> None:
    layout = handmade.whole_sweep(tmp_path)
    select(open_sweep(layout))
    assert "Debiasing after training" not in write_report(layout).read_text(encoding="utf-8")
