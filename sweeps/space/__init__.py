"""The search space: parameters, conditions and references between them. Proposals of values are in `search`.

| file | what it is |
|---|---|
| `entries.py` | Entries of a search space that are not searched: constants and references |
| `parameters.py` | Searched parameters: ranges of numbers, ranges of whole numbers, and choices |
| `rules.py` | Rules between entries of a search space: conditions and references must be consistent |
| `search_space.py` | The search space: entries by dotted path, and the points that they allow |
"""

__all__ = ["entries", "parameters", "search_space"]
