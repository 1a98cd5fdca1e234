"""From records of validation to a ranking, a race and a selection with its reasons. The test split plays no part here.

| file | what it is |
|---|---|
| `certainty.py` | How sure a leaderboard is: who is tied with the best, how far that one is overstated, and what scores vary by |
| `configuration_runs.py` | What the records say of each configuration, seed by seed: the one view that rankings and decisions are made from |
| `confirmation_race.py` | The confirmation: how many seeds each of the best configurations is given, and which of them leaves when |
| `importance.py` | How much each searched parameter matters for the search's scores: what an analysis found, in plain numbers |
| `leaderboard.py` | The leaderboard: configurations ranked by their mean validation score over complete sets of seeds |
| `search_table.py` | The searched configurations in one frame: parameters and search scores, for figures and queries |
| `selection.py` | Selection: a named rule chooses one configuration, from validation records alone, and says why |
| `selection_reasons.py` | Why a configuration was selected and how sure that is, in sentences |
| `selection_rules.py` | The rules of selection: each says which columns of the runs table it may see, none of them of the test split |
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
]
