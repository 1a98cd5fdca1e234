"""Tables for a paper: the numbers on record, and no text that could be taken for markup."""

from __future__ import annotations

from pathlib import Path

import handmade
import numpy as np
import pytest
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from results.records.dataset import SweepResults, open_sweep
from results.report.paper_table import paper_table
from results.report.table import Cell, Table, as_latex, as_markdown
from sweeps.cli.main import app


@pytest.fixture
def results(tmp_path: Path) -> SweepResults:
    return open_sweep(handmade.whole_sweep(tmp_path))


def cell(scores: list[float]) -> str:
    return f"{np.mean(scores):.4f} ± {np.std(scores, ddof=1):.4f}"


def column(table: Table, heading: str) -> dict[str, Cell]:
    """The cells of a column by contender."""
    place = table.headings.index(heading)
    return {row[0].text: row[place] for row in table.cells}


def test_a_row_is_a_contender_with_mean_and_deviation_over_its_seeds(results: SweepResults) -> None:
    table = paper_table(results)
    assert table.headings == ["", "accuracy", "weighted_f1"]
    accuracy = column(table, "accuracy")
    assert list(accuracy) == ["selected", "paper", "undebiased", "majority"]
    truth = [handmade.test_accuracy(handmade.WINNER, seed, "tav") for seed in handmade.CONFIRM_SEEDS]
    assert accuracy["selected"].text == cell(truth)
    assert accuracy["majority"].text == "0.5500"
    assert [each.strong for each in accuracy.values()] == [True, False, False, False]
    assert "seeds 1, 2, 3" in table.title


def test_a_column_is_a_set_of_modalities(results: SweepResults) -> None:
    table = paper_table(results, "modalities")
    truth = [handmade.test_accuracy("paper", seed, "tv") for seed in handmade.CONFIRM_SEEDS]
    assert column(table, "text + vision")["paper"].text == cell(truth)
    assert (len(table.rows), len(table.columns)) == (4, 1 + 8)


def test_a_metric_of_errors_has_its_best_at_the_lowest(results: SweepResults) -> None:
    renamed = results.evaluations.rename(columns={"weighted_f1": "mae"})
    results.evaluations = renamed
    results.manifest = results.manifest.model_copy(update={"metrics": ("accuracy", "mae")})
    best = [each.strong for each in column(paper_table(results), "mae").values()]
    assert best == [False, False, False, True]


def test_markdown_has_the_best_bold_and_its_pipes_escaped(results: SweepResults) -> None:
    results.evaluations = results.evaluations.replace({"contender": {"majority": "a|b"}})
    text = as_markdown(paper_table(results))
    lines = text.splitlines()
    assert lines[0] == "|  | accuracy | weighted_f1 |"
    assert lines[2].startswith("| selected | **0.7200 ± 0.0300** |")
    assert lines[5].startswith("| a\\|b | 0.5500 |")


def test_latex_is_a_float_with_every_text_escaped(results: SweepResults) -> None:
    text = as_latex(paper_table(results))
    assert r"\textbf{0.7200 $\pm$ 0.0300}" in text
    assert r"& accuracy & weighted\_f1 \\" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert "±" not in text


def test_without_a_final_evaluation_or_a_known_metric_there_is_no_table(
    results: SweepResults, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="other has no final evaluation yet"):
        paper_table(open_sweep(handmade.empty_sweep(tmp_path, "other")))
    with pytest.raises(
        UserError, match="--metric f2: no metric of this sweep; allowed accuracy, weighted_f1"
    ):
        paper_table(results, "modalities", "f2")


def test_the_command_writes_a_file_and_refuses_another_form(results: SweepResults, tmp_path: Path) -> None:
    arguments = ["results", "table", "handmade", "--storage", str(tmp_path)]
    out = tmp_path / "table.tex"
    assert CliRunner().invoke(app, [*arguments, "--format", "latex", "--out", str(out)]).exit_code == 0
    assert out.read_text() == as_latex(paper_table(results))
    assert CliRunner().invoke(app, arguments).output == as_markdown(paper_table(results))
    refused = CliRunner().invoke(app, [*arguments, "--format", "html"])
    assert str(refused.exception) == "unknown --format 'html'; allowed: latex, markdown"
    refused = CliRunner().invoke(app, [*arguments, "--format", "latex", "--csv"])
    assert "--format latex goes without --json and --csv" in str(refused.exception)
