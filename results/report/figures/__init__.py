"""Figures of the report: in each module the numbers first, as plain frames, then the drawing. The page around them is in
the folder above.

| file | what it is |
|---|---|
| `calibration.py` | Reliability: how often decisions are right, by how sure the model is |
| `curves.py` | Learning curves: the seeds faint, their means thick, with bands |
| `front.py` | Several objectives against one another: who is on the Pareto front |
| `importance.py` | Importance of the parameters: a bar a method |
| `leaderboard.py` | The leaderboard: each configuration's seeds, mean and interval on a line |
| `modalities.py` | Missing modalities and contributions, drawn: the numbers are those of `results.evaluation.evaluation_table` and `results.evaluation.modality_table` |
| `parameters.py` | Parameters against scores, as the search saw them: slices, one parameter at a time, and parallel coordinates |
| `rates.py` | What a contender loses with the share of steps that is lost |
| `spread.py` | What scores vary by, and what a larger search would have bought |
| `style.py` | What all figures share |
| `timeline.py` | The sweep over time: a line an attempt, in lanes by host, coloured by phase |
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
