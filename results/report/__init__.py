"""What people read: the HTML report, its figures, comparisons and tables for papers. No number is made up here; all come
from the folders before it.

| file | what it is |
|---|---|
| `best_yaml.py` | The selected configuration as the start of a new sweep |
| `comparison.py` | Two sweeps side by side: what each chose, and how far their scores differ |
| `evaluation_tables.py` | The tables of the final evaluation: scores, missing modalities, contributions, debiasing |
| `figures/` | Figures of the report: in each module the numbers first, as plain frames, then the drawing |
| `leaderboard_table.py` | The leaderboard as a table: the ranking, its seeds, and the configurations apart from it |
| `paper_table.py` | Tables of the final evaluation in a paper's form: a row a contender, mean and standard deviation over seeds |
| `report.py` | The report: one self-contained HTML page of a sweep, without a request to any network |
| `report_content.py` | What stands in the report: the numbers and figures of each section, from the records and the selection |
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
