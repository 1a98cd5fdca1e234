"""Records of sweeps, and their use: statistics, rankings, the final evaluation and the report. No code here starts a
run.

| file | what it is |
|---|---|
| `evaluation/` | The final evaluation, which opens the test split, and the tables of its results |
| `integrity/` | Damage to a sweep's records: finding all of it, and the repair with which a sweep continues |
| `ranking/` | The ranking of configurations, the confirmation race, and the selection with its reasons |
| `records/` | The records of a sweep: journals, manifest, Parquet tables, and the code that reads them |
| `report/` | The HTML report, its figures, comparisons of sweeps, and tables for papers |
| `statistics/` | Statistics of scores over seeds: pure functions of numbers |
| `storage/` | Storage: folders, object stores and locks |
"""

__all__ = ["evaluation", "integrity", "ranking", "records", "report", "statistics", "storage"]
