"""The ranking of configurations, the confirmation race, and the selection with its reasons. All use validation
records only, never the test split.

| file | what it is |
|---|---|
| `certainty.py` | The certainty of a leaderboard: tied configurations, optimism of the best mean, variance of scores |
| `configuration_runs.py` | The runs of each configuration by seed: the one read model of rankings and decisions |
| `confirmation_race.py` | The confirmation race: the seeds of each of the best configurations, and their elimination |
| `importance.py` | The importance of each searched parameter for the search's scores, as plain numbers |
| `leaderboard.py` | The leaderboard: configurations ranked by their mean validation score over complete sets of seeds |
| `search_table.py` | The search table: parameters and search scores of all candidates, for figures and queries |
| `selection.py` | Selection: a named rule selects one configuration, from validation records only, with reasons |
| `selection_reasons.py` | The reasons for a selection and its certainty, in sentences |
| `selection_rules.py` | The selection rules, each with the columns of the runs table that it may use |
| `unfinished.py` | The open runs and proposals of a sweep, in words: a conclusion from a part of the records says so |
"""

__all__ = [
    "certainty",
    "configuration_runs",
    "confirmation_race",
    "importance",
    "leaderboard",
    "search_table",
    "selection",
    "selection_rules",
    "unfinished",
]
