"""The JSON schema of a sweep's file (draft 2020-12), for editors. It is made from the classes that read the file.

| file | what it is |
|---|---|
| `described.py` | JSON schemas of pydantic models, described with the models' docstrings |
| `document.py` | The whole schema: the sections of a sweep's file, the fixed part, and `$include` |
| `paths.py` | JSON schemas of a configuration's values by dotted path, of all variants |
| `space.py` | Schemas of `space`, `paper_default` and `search.points`, which name values by dotted path |
"""

__all__ = ["document"]
