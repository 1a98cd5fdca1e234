"""`causalmer results`, as typed by a user, with its output in a pipe."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import handmade
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from causalmer_core.basics.errors import UserError
from results.records.dataset import open_sweep
from results.records.layout import TABLES, SweepLayout
from results.report.evaluation_tables import final_evaluation_tables
from sweeps.cli.output import Screen
from sweeps.cli.results.app import app


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepLayout:
    monkeypatch.chdir(tmp_path)
    return handmade.whole_sweep(tmp_path / "causalmer_runs")


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_leaderboard_is_printed_whole(layout: SweepLayout) -> None:
    output = call("leaderboard", "handmade").output
    lines = output.splitlines()
    assert "mean validation accuracy over seeds 1, 2, 3, higher is better" in lines[0]
    assert [line.split()[1] for line in lines[2:]][:8] == [
        "#2",
        "#1",
        "#0",
        "paper",
        "undebiased",
        "#3",
        "#4",
        "#5",
    ]
    assert "0.7700 [0.6955, 0.8445]" in output
    assert "1 with incomplete seed sets" in output
    assert "…" not in output
    assert layout.table("runs").exists()


def test_missing_modalities_are_printed_where_they_were_evaluated(layout: SweepLayout) -> None:
    handmade.write_removals(layout)
    screen = Console(width=200, record=True, file=StringIO())
    screen.print(Screen(final_evaluation_tables(open_sweep(layout))))
    lines = [" ".join(line.split()) for line in screen.export_text().splitlines()]
    assert (
        "selected zeros 0.0400 0.0400 0.0400 0.0800 0.0800 0.0800 0.1200 0.0600 0.0200 [0.0200, 0.0200]"
        in lines
    )
    permuted = "selected another sample's features 0.2000 [-0.0484, 0.4484] 0.0400 [-0.0097, 0.0897] "
    assert permuted + "0.1000 [-0.0242, 0.2242] 0.3400" in lines
    assert "contender lost 0 0.25 0.5" in lines
    assert "undebiased random steps 0.6500 0.6000 0.5500" in lines


def test_before_the_final_evaluation_no_modality_is_missing(tmp_path: Path) -> None:
    (scores,) = final_evaluation_tables(open_sweep(handmade.empty_sweep(tmp_path)))
    assert scores.rows == []


def test_selecting_says_why_and_writes_the_yaml(layout: SweepLayout, tmp_path: Path) -> None:
    output = call("select", str(layout.root), "--out", "best.yaml").output
    assert "selected #2: mean validation accuracy 0.7700" in output
    assert "validation records only" in output
    assert layout.selection.exists()
    assert "name: handmade-best" in (tmp_path / "best.yaml").read_text()


def test_the_report_is_written_where_asked(layout: SweepLayout, tmp_path: Path) -> None:
    call("report", "handmade")
    assert layout.report.stat().st_size > 100_000
    call("report", "handmade", "--out", "elsewhere/page.html")
    assert (tmp_path / "elsewhere" / "page.html").exists()


def test_an_export_holds_every_row(layout: SweepLayout, tmp_path: Path) -> None:
    call("export", "handmade", "--out", "csv")
    lengths = {
        name: len(pd.read_csv(tmp_path / "csv" / f"{name}.csv")) for name in ("epochs", "runs", "evaluations")
    }
    assert lengths == {"epochs": 87, "runs": 24, "evaluations": 80}
    assert layout.manifest.exists()


@pytest.mark.parametrize("command", [["report"], ["export"]])
def test_a_place_that_cannot_be_written_is_a_user_error(
    layout: SweepLayout, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*--out"):
        call(*command, str(layout.root), "--out", str(tmp_path / "file" / "below"))


def test_an_unknown_sweep_is_answered_with_the_known_ones(layout: SweepLayout) -> None:
    with pytest.raises(UserError, match=r"did you mean 'handmade'"):
        call("leaderboard", layout.root.name[:-1])


def test_a_sweep_without_runs_says_so(layout: SweepLayout) -> None:
    handmade.empty_sweep(layout.root.parent, "empty")
    assert "no run has been recorded yet" in call("leaderboard", "empty").output
    with pytest.raises(UserError, match="no configuration finished on every ranking seed"):
        call("select", "empty")


def test_names_in_brackets_are_printed_as_they_are(layout: SweepLayout) -> None:
    """The terminal's own markup must not eat a user's path."""
    output = call("report", "handmade", "--out", str(layout.root / "[bold]page[/bold].html")).output
    assert "[bold]page[" in output


def test_compacting_brings_the_tables_up_to_the_journals_and_again_changes_nothing(
    layout: SweepLayout,
) -> None:
    output = call("compact", "handmade").output
    assert "runs/runs.parquet: 24 rows" in output
    before = {name: (layout.table(name) / f"{name}.parquet").read_bytes() for name in TABLES}
    assert call("compact", "handmade").output == output
    assert {name: (layout.table(name) / f"{name}.parquet").read_bytes() for name in TABLES} == before
