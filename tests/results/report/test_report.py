"""The report: whole, honest about gaps, and safe from its own contents. How a browser shows it: test_report_browser."""

from __future__ import annotations

import re
from pathlib import Path

import handmade
import pytest
from plotly.offline import get_plotlyjs

from results.ranking.selection import select
from results.records.dataset import open_sweep
from results.records.layout import SweepLayout
from results.report.report import duration, write_report

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> SweepLayout:
    """A whole sweep, selected, with a hostile string as a parameter's value, and evidence removed in several ways."""
    layout = handmade.whole_sweep(tmp_path_factory.mktemp("sweep"), fusion=HOSTILE)
    handmade.write_removals(layout, fusion=HOSTILE)
    select(open_sweep(layout))
    write_report(layout)
    return layout


@pytest.fixture(scope="module")
def page(layout: SweepLayout) -> str:
    return layout.report.read_text(encoding="utf-8").replace(get_plotlyjs(), "")


def text(page: str) -> str:
    """The page without its head, scripts and tags, in single spaces."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", page)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_answer_comes_in_a_sentence_with_its_interval(page: str) -> None:
    words = text(page)
    assert (
        "Configuration #2 is selected: mean validation accuracy 0.7700 [0.6955, 0.8445] over 3 seeds" in words
    )
    assert "On the test split it reaches 0.7200 [0.6455, 0.7945]" in words
    assert "the paper's default reaches 0.6700" in words.replace("&#39;", "'")
    assert "the majority baseline reaches 0.5500" in words


def test_every_configuration_stands_on_the_leaderboard_in_its_group(page: str) -> None:
    words = text(page)
    groups = ["Ranked", "Contenders, not selectable", "Incomplete: not finished", "Searched, not confirmed"]
    places = [words.index(group) for group in groups]
    assert places == sorted(places)
    names = ["2", "1", "0", "paper", "undebiased", "3", "4"]
    rows = [page.index(f"<code>{handmade.config_id(name, HOSTILE)[:8]}") for name in names]
    assert rows == sorted(rows)


def test_the_test_table_has_every_subset_of_modalities(page: str) -> None:
    words = text(page)
    for name in ("text + audio", "text + vision", "audio + vision", "text only", "audio only", "vision only"):
        assert name in words
    assert "0.6000 [0.5255, 0.6745]" in words  # selected, none present
    (opening,) = re.findall(r"The test split was opened once: [-0-9]{10} [0-9:]{5} UTC by (.*?) ?\.", words)
    assert opening == f"researcher on node1 for {handmade.config_id(handmade.WINNER, HOSTILE)[:8]}"


def section(page: str, heading: str) -> str:
    """The words of a section."""
    (found,) = [
        part for part in re.findall(r"(?s)<section.*?</section>", page) if f"<h2>{heading}</h2>" in part
    ]
    return text(found)


def test_what_a_missing_modality_costs_is_shown_with_its_spread(page: str) -> None:
    words = section(page, "When a modality is missing")
    for way in ("zeros", "another sample&#39;s features"):
        assert f"replaced by {way} selected tie" in words
    assert "the training mean" not in words
    # Permuted: text + audio lose 0.05 s at seed s, and so on; the mean over seeds 1, 2 and 3 is at 2.
    assert "selected tie 0.1000 [-0.0242, 0.2242] 0.0400 [-0.0097, 0.0897] 0.2000 [-0.0484, 0.4484]" in words
    assert " 0.0870 [" in words  # the deviation of 0.05, 0.02, 0.10, 0.07, 0.15, 0.12, twice


def test_contributions_are_shown_as_ours_and_steps_by_their_share(page: str) -> None:
    words = section(page, "When a modality is missing")
    assert "Exact Shapley values" in words
    assert "This is our measure" in words
    assert "0.2000 [-0.0484, 0.4484] 0.0400 [-0.0097, 0.0897] 0.1000 [-0.0242, 0.2242] 0.3400" in words
    assert "selected spans 0.5 0.5200 [" in words  # 0.72 - 0.5 * 2 * 0.2
    assert "figure-rates" in page


def test_without_a_final_evaluation_nothing_is_said_of_missing_modalities(tmp_path: Path) -> None:
    assert "When a modality" not in text(
        write_report(handmade.empty_sweep(tmp_path)).read_text(encoding="utf-8")
    )


def test_runs_are_counted_with_their_reasons(page: str) -> None:
    words = text(page)
    assert "failed: ValueError: a label is out of range (1 run)" in words
    assert "pruned: below the rung" in words
    assert "confirm finished 17" in words


def test_the_page_says_how_to_reproduce_it(page: str, layout: SweepLayout) -> None:
    manifest = open_sweep(layout).manifest
    words = text(page)
    assert manifest.sweep_id in words
    assert f"torch {manifest.versions['torch']}" in words
    assert "name: handmade-best" in words


def test_strings_of_users_are_never_markup(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_hostile_label_cannot_close_a_data_block(tmp_path: Path) -> None:
    """Labels of contenders and names of metrics go into the figures' JSON."""
    sweep = handmade.empty_sweep(tmp_path)
    handmade.redigested(sweep.manifest, metrics=["</script>", "</script><b>"], monitor="</script>")
    for seed in (1, 2, 3):
        handmade.finish(sweep, "2", seed)
    page = write_report(sweep).read_text(encoding="utf-8").replace(get_plotlyjs(), "")
    assert page.count("</script>") == page.count("<script")
    assert "<b></b>" not in page


def test_nothing_on_the_page_points_outside(page: str) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", page) == []
    assert "default-src 'none'" in page
    assert "unsafe-eval" not in page
    assert re.search(r"script-src[^;]*unsafe-inline", page) is None
    assert re.findall(r"\bon\w+\s*=", re.sub(r"(?s)<script.*?</script>", "", page)) == []


def test_a_sweep_without_anything_yet_has_a_report_that_says_so(tmp_path: Path) -> None:
    words = text(write_report(handmade.empty_sweep(tmp_path)).read_text(encoding="utf-8"))
    assert "No configuration has been selected yet." in words
    assert "No run has been recorded yet." in words
    assert "No epoch on such a seed has been recorded yet." in words
    assert "The test split has not been opened." in words


def test_before_the_selection_the_best_so_far_is_named(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.write_runs(layout)
    words = text(write_report(layout).read_text(encoding="utf-8"))
    assert "the best so far is #2 with mean validation accuracy 0.7700" in words


def test_a_page_of_an_unfinished_sweep_says_what_is_open(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.finish(layout, "0", 0)
    handmade.begin(layout, "1", 0).close()
    words = text(write_report(layout).read_text(encoding="utf-8"))
    assert "Unfinished: 1 of 2 runs have not ended (1 lost; epochs so far: 0)." in words


def test_test_numbers_of_an_earlier_selection_are_marked(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.write_runs(layout)
    with handmade.Journal.open(layout.evaluation_journal) as journal:
        journal.append(handmade.evaluation("selected", handmade.config_id("1"), 1, "tav", 0.5))
    select(open_sweep(layout))
    words = text(write_report(layout).read_text(encoding="utf-8"))
    assert "The test numbers belong to a configuration that was selected before" in words


def test_a_single_seed_has_no_interval_and_the_page_says_so(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.redigested(layout.manifest, confirm_seeds=[1])
    handmade.finish(layout, "2", 1)
    select(open_sweep(layout))
    words = text(write_report(layout).read_text(encoding="utf-8"))
    assert "0.8000 (one seed, no interval) over 1 seed" in words


def test_durations_are_told_in_the_units_that_matter() -> None:
    assert [duration(seconds) for seconds in (0.4, 36, 252, 12000)] == [
        "0 s",
        "36 s",
        "4 min 12 s",
        "3 h 20 min",
    ]
