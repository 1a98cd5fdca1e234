"""`causalmer results`: rank, select, evaluate, report, compare and export. The numbers come from the package
`results`.

| file | what it is |
|---|---|
| `app.py` | `causalmer results`: look at a sweep's records, select, evaluate, report, compare, export |
| `papers.py` | `causalmer results compare` and `table`: two sweeps side by side, and tables for a paper |
| `verify.py` | `causalmer results verify`: checks a whole sweep in one pass |
"""

__all__: list[str] = []
