"""The search space: parameters, conditions and references between them. How values are proposed is in `search`.

| file | what it is |
|---|---|
| `entries.py` | Entries of a search space that are not searched: constants, and references to other values |
| `parameters.py` | Searched parameters: a range of numbers, a range of whole numbers, or a choice; each may be conditional |
| `rules.py` | What the entries of a search space must be to each other: conditions and references that can hold together |
| `search_space.py` | The search space: which parameters are searched, over which values, and which exist only beside others |
"""

__all__ = ["entries", "parameters", "search_space"]
