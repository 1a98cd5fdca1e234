"""The HTML report, its figures, comparisons of sweeps, and tables for papers. Every number comes from the folders
before this one.

| file | what it is |
|---|---|
| `best_yaml.py` | The selected configuration as the start of a new sweep |
| `comparison.py` | The comparison of two sweeps: their selections, scores, settings and costs |
| `evaluation_tables.py` | The tables of the final evaluation: scores, missing modalities, contributions, debiasing |
| `figures/` | Figures of the report |
| `leaderboard_table.py` | The leaderboard as a table: the ranking, its seeds, and the configurations apart from it |
| `paper_table.py` | Tables for papers: a row per contender with mean and standard deviation over seeds |
| `report.py` | The report: one self-contained HTML page of a sweep, without a request to any network |
| `report_content.py` | The content of the report: the numbers and figures of each section |
| `table.py` | A table as one value, and its renderings as text: Markdown, LaTeX, CSV and JSON |
| `templates/` | What pages and files are made from |
"""

__all__ = [
    "best_yaml",
    "comparison",
    "evaluation_tables",
    "leaderboard_table",
    "paper_table",
    "report",
    "table",
]
