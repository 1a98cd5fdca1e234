"""Reading pickles without running anything in them. Readers of data files and of checkpoints build on it; no file format
of the field is known here.

| file | what it is |
|---|---|
| `arrays.py` | Arrays in a pickle: our own makers of them, under the names that NumPy uses |
| `instructions.py` | The instructions of a pickle, as `pickletools` of the standard library reads them from a file |
| `machine.py` | The stack machine of pickle, which calls nothing that a file names |
| `payload.py` | Bytes in a pickle that are too many to hold: a view of the file in the place of a copy |
| `plain.py` | Our own makers of bytes and sets, and what may be a key of a dict |
| `refusal.py` | What ends the reading of a pickle: something that it has no need of, or more memory than its size explains |
"""

__all__ = ["arrays", "instructions", "machine", "payload", "plain", "refusal"]
