"""`causalmer checkpoint`: import and evaluate published checkpoints. Reading them is in
`causalmer_core.published_checkpoint`.

| file | what it is |
|---|---|
| `app.py` | `causalmer checkpoint`: import a published checkpoint, evaluate one |
| `tables.py` | Tables of `causalmer checkpoint` |
"""

__all__ = ["app"]
