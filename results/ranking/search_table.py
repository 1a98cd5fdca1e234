"""The search table: parameters and search scores of all candidates, for figures and queries."""

from __future__ import annotations

import math

import pandas as pd

from results.ranking.configuration_runs import CANDIDATE
from results.ranking.leaderboard import Entry, Leaderboard
from results.records.dataset import SweepResults

FIXED = ("number", "name", "config_id", "score", "state")


def search_table(results: SweepResults, board: Leaderboard) -> pd.DataFrame:
    """One row per candidate with a finite search score, in the order of the proposals.

    The columns are `number`, `name`, `config_id`, `score`, `state`, and each searched parameter by its path. `score` is
    the mean over the search seeds of the best score so far. `state` is `finished` if all search runs finished, else the
    first other state. A conditional parameter that was not drawn is null.
    """
    paths = list(results.manifest.parameters)
    candidates = [
        entry
        for entry in board.entries
        if CANDIDATE in entry.roles and entry.search_mean is not None and math.isfinite(entry.search_mean)
    ]
    rows = [(e.number, e.name, e.config_id, e.search_mean, _state(e)) for e in candidates]
    frame = pd.DataFrame(rows, columns=list(FIXED))
    values = results.runs.drop_duplicates("config_id").set_index("config_id")[paths]
    whole = frame.join(values, on="config_id")
    return whole.sort_values("number", ignore_index=True)


def _state(entry: Entry) -> str:
    states = [state.value for state in entry.search_states.values()]
    return next((state for state in states if state != "finished"), "finished")
