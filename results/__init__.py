"""Records of sweeps, and what follows from them: statistics, rankings, the final evaluation and the report. Nothing here
starts a run.

| file | what it is |
|---|---|
| `evaluation/` | The one place that opens the test split, and the tables of what it found |
| `ranking/` | From records of validation to a ranking, a race and a selection with its reasons |
| `records/` | The records of a sweep: journals, manifest, Parquet tables and the read side |
| `report/` | What people read: the HTML report, its figures, comparisons and tables for papers |
| `statistics/` | What scores over seeds say: pure functions of numbers |
| `storage/` | Where files lie: folders, object stores and locks |
"""

__all__ = ["evaluation", "ranking", "records", "report", "statistics", "storage"]
