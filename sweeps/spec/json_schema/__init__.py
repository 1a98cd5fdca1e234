"""The JSON schema of a sweep's file (draft 2020-12), by which editors complete and check it. It is made from the classes
that read the file.

| file | what it is |
|---|---|
| `described.py` | JSON schemas of our models with the words of their docstrings; pydantic itself reads texts below single fields |
| `document.py` | The whole schema: the sections of a sweep's file, the fixed part as a part of a configuration, and `$include` |
| `paths.py` | The values of a configuration by their dotted paths, whatever variants they belong to, as JSON schemas |
| `space.py` | The sections that name values by dotted path: `space`, `paper_default`, and the points of `search` |
"""

__all__ = ["document"]
