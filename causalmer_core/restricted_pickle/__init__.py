"""A reader of pickles that runs nothing in them.

Readers of data files and of checkpoints build on it. It knows no file format of the field.

| file | what it is |
|---|---|
| `arrays.py` | Our own makers of the arrays in a pickle, under NumPy's names |
| `instructions.py` | The instructions of a pickle, read by `pickletools` of the standard library |
| `machine.py` | The stack machine of pickle, which calls nothing that a file names |
| `payload.py` | Large bytes in a pickle, kept as a view of the file instead of a copy |
| `plain.py` | Our own makers of bytes and sets, and a check of the keys of dicts |
| `refusal.py` | The error that refuses a pickle, and the budget of the memory that one may use |
"""

__all__ = ["arrays", "instructions", "machine", "payload", "plain", "refusal"]
