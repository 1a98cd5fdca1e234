"""`causalmer data`: import, draw and look at data sets. The store itself is in `causalmer_core.datasets`.

| file | what it is |
|---|---|
| `app.py` | `causalmer data`: import a file of the field, draw a synthetic data set, look at one |
| `importing.py` | `causalmer data import`: a file of the field into the store, with the role of each array |
| `tables.py` | What `causalmer data` shows of a data set |
"""

__all__: list[str] = []
