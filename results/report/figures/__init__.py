"""Figures of the report. A module has the numbers first, as plain frames, then the drawing. The page around the
figures is in the folder above.

| file | what it is |
|---|---|
| `calibration.py` | The reliability diagram: how often decisions are right, by confidence |
| `curves.py` | Learning curves: thin lines for the seeds, thick lines with bands for their means |
| `front.py` | The Pareto front: several objectives against one another |
| `importance.py` | The importance of the parameters: one bar per method |
| `leaderboard.py` | The leaderboard: each configuration's seeds, mean and interval on a line |
| `modalities.py` | Figures of missing modalities and of contributions |
| `parameters.py` | Parameters against search scores: slices of one parameter each, and parallel coordinates |
| `rates.py` | The score of each contender by the share of removed steps |
| `spread.py` | The variance of scores by source, and the expected gain of a larger search |
| `style.py` | The common style of all figures |
| `timeline.py` | The timeline: one line per attempt, in lanes by host, coloured by phase |
"""

__all__ = [
    "calibration",
    "curves",
    "front",
    "importance",
    "leaderboard",
    "modalities",
    "parameters",
    "rates",
    "spread",
    "style",
    "timeline",
]
