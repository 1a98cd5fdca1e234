"""How large the report of a large sweep is, and how fast it opens: `python benchmarks/report_size.py [--runs 1000]`.

Writes the journals of a made-up sweep with seven parameters: nine tenths of the runs are searched configurations on one
seed, the rest the confirmation of the best ten on as many seeds as that gives. Measured are the time to write the page,
its size, and in a headless Chromium the time from opening it until every figure is drawn.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from results.ranking.importance import Importance
from results.ranking.selection import select
from results.records.dataset import open_sweep
from results.records.layout import SweepLayout
from results.records.manifest import create_sweep, new_manifest
from results.records.objectives import Objectives
from results.records.run_journal import RunJournal
from results.records.schemas import RunKey, RunState
from results.report.report import write_report

PARAMETERS = {
    "model.fusion": "string",
    **{f"loss.weight_{n}": "float" for n in range(5)},
    "model.backbone.layers": "int",
}
CONFIRMED = 10
DRAWN = """() => [...document.querySelectorAll("[data-figure]")].every((place) => place.querySelector(".main-svg"))"""


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", type=Path, help="keep the page here")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium is installed")
    with tempfile.TemporaryDirectory() as folder:
        layout = made_up(Path(folder), given.runs, given.epochs)
        select(open_sweep(layout))
        shares = {path: 1 / len(PARAMETERS) for path in PARAMETERS}
        started = time.perf_counter()
        page = write_report(layout, given.out, [Importance("fANOVA", shares, given.runs)])
        runs = len(open_sweep(layout).runs)
        print(f"{runs} runs: {page.stat().st_size / 1e6:.1f} MB in {time.perf_counter() - started:.1f} s")
        for _ in range(3):
            print(f"opened and drawn in {opened(page, chromium):.2f} s")


def made_up(folder: Path, runs: int, epochs: int) -> SweepLayout:
    """The sweep."""
    searched = runs * 9 // 10
    seeds = max((runs - searched) // CONFIRMED, 2)
    layout = SweepLayout(folder / "large")
    manifest = new_manifest(
        name="large",
        objectives=Objectives.of_metric("accuracy", "max"),
        metrics=("accuracy", "weighted_f1"),
        parameters=PARAMETERS,  # type: ignore[arg-type]
        search_seeds=(0,),
        confirm_seeds=range(1, 1 + seeds),
        dataset="made",
        dataset_fingerprint="0" * 64,
    )
    create_sweep(layout, manifest, "name: large\n")
    rng = np.random.default_rng(0)
    for number in range(searched):
        values = {
            "model.fusion": ("sum", "hm", "tanh", "mask")[rng.integers(4)],
            **{f"loss.weight_{n}": float(10 ** rng.uniform(-4, 0)) for n in range(5)},
            "model.backbone.layers": int(rng.integers(1, 6)),
        }
        level = 0.9 if number < CONFIRMED else float(rng.uniform(0.5, 0.8))
        for seed in range(1 + seeds if number < CONFIRMED else 1):
            write_run(
                layout, RunKey(f"{number:016x}", seed), number, values, level + rng.normal(0, 0.02), epochs
            )
    return layout


def write_run(
    layout: SweepLayout, key: RunKey, number: int, values: dict[str, object], level: float, epochs: int
) -> None:
    """A run that reaches a score in its last epoch."""
    with RunJournal.begin(
        layout,
        key,
        phase="search" if key.seed == 0 else "confirm",
        role="candidate",
        number=number,
        config=values,
        values=values,
        host=f"node{number % 4}",
    ) as journal:
        for epoch in range(1, epochs + 1):
            score = level * (1 - 0.5 / epoch)
            row = {"epoch": epoch, "valid_accuracy": score, "valid_weighted_f1": score, "is_best": True}
            journal.epoch({**row, "seconds": 1.0})
        journal.end(RunState.FINISHED)


def opened(page: Path, chromium: str) -> float:
    """Seconds until every figure is drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        started = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_function(DRAWN)
        seconds = time.perf_counter() - started
        browser.close()
    return seconds


if __name__ == "__main__":
    main()
