"""The report in a real browser: what it draws, how it is used, and that it asks nobody for anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import handmade
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from results.ranking.importance import Importance
from results.ranking.selection import select
from results.records.dataset import open_sweep
from results.report.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIGURES = {
    "leaderboard",
    "curves",
    "variance",
    "importance",
    "slices",
    "parallel",
    "expected_best",
    "heat_map",
    "contributions",
    "rates",
    "timeline",
}
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@dataclass
class Opened:
    """A page that is open, and what it said and asked for beside its own file."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout = handmade.whole_sweep(tmp_path_factory.mktemp("sweep"))
    handmade.write_removals(layout)
    select(open_sweep(layout))
    shares = dict(zip(handmade.manifest().parameters, (0.6, 0.3, 0.1), strict=True))
    return write_report(layout, importance=[Importance("fANOVA", shares, 12)])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened_in(browser: Browser, report: Path, theme: Literal["light", "dark"]) -> Iterator[Opened]:
    page = browser.new_page(color_scheme=theme)
    opened = Opened(page)
    page.on("console", lambda message: opened.said.append(message.text))
    page.on("pageerror", lambda error: opened.said.append(str(error)))
    page.on("request", lambda request: opened.asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_function("document.querySelectorAll('.main-svg').length > 0")
    yield opened
    page.close()


@pytest.fixture(scope="module", params=["light", "dark"])
def seen(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """The page in either theme, to be looked at."""
    with opened_in(browser, report, request.param) as opened:
        yield opened


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    """The page, to be used."""
    with opened_in(browser, report, "light") as opened:
        yield opened


def test_it_complains_of_nothing_and_asks_nobody(seen: Opened, report: Path) -> None:
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("data:", "blob:"))] == [report.as_uri()]


def test_every_figure_is_drawn_with_all_of_its_data(seen: Opened) -> None:
    found = seen.page.evaluate("""() => Object.fromEntries(
        [...document.querySelectorAll("[data-figure]")].map((place) => [place.dataset.figure, {
            given: JSON.parse(document.getElementById(place.dataset.figure).textContent).data.length,
            drawn: place.data.length,
            svg: place.querySelectorAll(".main-svg").length,
            label: place.getAttribute("aria-label"),
        }]))""")
    assert {name.removeprefix("figure-") for name in found} == FIGURES
    for name, figure in found.items():
        assert figure["given"] == figure["drawn"] > 0, name
        assert figure["svg"] > 0, name
        assert figure["label"], name


def test_axes_take_the_colours_of_the_theme(seen: Opened) -> None:
    """Every axis, those of the panels of a figure with several among them."""
    wanted = seen.page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--grid').trim()"
    )
    colours = seen.page.evaluate("""() => [...document.querySelectorAll("[data-figure]")].flatMap((place) =>
        Object.keys(place.layout).filter((key) => /^[xy]axis/.test(key)).map((key) => place.layout[key].gridcolor))""")
    assert set(colours) == {wanted}
    assert len(colours) > 2 * len(FIGURES)


def test_pointing_at_a_seed_tells_its_score(opened: Opened) -> None:
    figure = opened.page.locator("[data-figure=figure-leaderboard]")
    point = figure.locator(".scatterlayer .trace .points path").last
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    label = figure.locator(".hoverlayer .hovertext")
    label.wait_for()
    assert "seed" in (label.text_content() or "")
    assert "0." in (label.text_content() or "")


def column(page: Page, place: int) -> list[str]:
    """The texts of a column of the ranked configurations."""
    rows = page.locator("table[data-sortable] tbody").first.locator("tr:not(.group)")
    return [row.locator("> *").nth(place).inner_text().split()[0] for row in rows.all()]


def test_a_click_on_a_heading_sorts_within_the_groups_and_another_turns_it_round(opened: Opened) -> None:
    heading = opened.page.get_by_role("columnheader", name="seed 1")
    button = heading.get_by_role("button")
    place = 3
    before = column(opened.page, 1)
    button.click()
    scores = column(opened.page, place)
    assert scores == sorted(scores, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    button.click()
    assert column(opened.page, place) == scores[::-1]
    assert sorted(column(opened.page, 1)) == sorted(before)
    assert (
        opened.page.locator("table[data-sortable] tbody").first.locator("tr").first.get_attribute("class")
        == "group"
    )


def test_tables_are_sorted_from_the_keyboard(opened: Opened) -> None:
    button = opened.page.get_by_role("columnheader", name="mean").get_by_role("button").first
    button.focus()
    opened.page.keyboard.press("Enter")
    assert column(opened.page, 2) == sorted(column(opened.page, 2), reverse=True)


def test_headings_leave_out_no_level(opened: Opened) -> None:
    levels = [
        int(tag[1])
        for tag in opened.page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((h) => h.tagName)")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_it_prints(opened: Opened) -> None:
    data = opened.page.pdf(format="A4")
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") + data.count(b"/Type /Page/") >= 3
