"""The hand-made sweep with known truth, for tests that only look at it."""

from __future__ import annotations

import handmade
import pytest

from results.ranking.leaderboard import Leaderboard, leaderboard
from results.records.dataset import SweepResults, open_sweep


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    return open_sweep(handmade.whole_sweep(tmp_path_factory.mktemp("sweep")))


@pytest.fixture(scope="module")
def board(results: SweepResults) -> Leaderboard:
    return leaderboard(results.runs, results.manifest)
